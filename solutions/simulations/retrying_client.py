"""How often redis-py repeats a command by itself, when nothing is said about it."""

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

__all__ = ["NoBackoff", "Retry", "retries_by_default"]


def retries_by_default() -> int:
    """Return how many times an asyncio client repeats a command after a connection error, with default settings."""
    client = redis.asyncio.Redis()
    return int(client.connection_pool.connection_kwargs["retry"].get_retries())
