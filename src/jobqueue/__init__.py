"""A job service on Redis or Valkey that delivers every job at least once: hexagonal, batched, leased."""

__version__ = "0.6.0"
