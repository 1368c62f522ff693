"""The ports, kept with Redis or Valkey, with memory, and with the machine's clock."""
