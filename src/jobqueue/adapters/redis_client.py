"""How the service connects to Redis, Valkey or a Cluster of either."""

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import FullJitterBackoff

from jobqueue.adapters.redis_fast_path import lean
from jobqueue.adapters.redis_scripts import Client

CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 10.0
RETRIES = 2
# redis-py's pool refuses the 101st connection, and a default worker runs 100 handlers that may hold one each, beside
# the request that shortens marks. The slots bound how many are in use, so the pool needn't.
MAX_CONNECTIONS = 2**31


def connect(url: str, *, cluster: bool) -> Client:
    """Return a client; it connects at its first command.

    When a connection breaks, the client repeats the command, at most twice. Every move allows that: if the move has
    happened, its repetition is refused or changes nothing. The loops deal with longer failures: they wait between
    passes.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        cluster: Whether the address is one node of a Cluster, from which the others are found.
    """
    retry = Retry(FullJitterBackoff(base=0.05, cap=0.5), RETRIES)
    if cluster:
        return redis.asyncio.RedisCluster.from_url(
            url, socket_connect_timeout=CONNECT_LIMIT_S, socket_timeout=ANSWER_LIMIT_S, retry=retry
        )
    client = redis.asyncio.Redis.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        socket_connect_timeout=CONNECT_LIMIT_S,
        socket_timeout=ANSWER_LIMIT_S,
        retry=retry,
    )
    client.connection_pool.connection_class = lean(client.connection_pool.connection_class)
    return client
