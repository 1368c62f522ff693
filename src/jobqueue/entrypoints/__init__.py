"""The ways into the service: gRPC, the command line, and HTTP for health checks and metrics."""
