"""What the application needs from outside, as Protocols that the adapters satisfy by shape."""
