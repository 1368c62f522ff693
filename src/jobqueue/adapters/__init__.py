"""The adapters: they implement the ports with Redis or Valkey, the exporters, and the machine's clock."""
