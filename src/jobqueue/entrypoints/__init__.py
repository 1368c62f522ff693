"""How the outside reaches the service: gRPC, the command line, and the probe's HTTP."""
