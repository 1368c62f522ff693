"""What the application needs from outside: Protocols that the adapters implement."""
