"""The acknowledgement removes whatever the worker took last.

Incident: A worker runs several jobs at a time. The fast one acknowledges the slow one; then the process dies, and the
  slow job is in no list.
Fails: 1
Says: another job is acknowledged
"""


async def acknowledge(redis: Redis, worker: str, entry: bytes) -> bool:
    return await redis.lpop(processing(worker)) is not None
