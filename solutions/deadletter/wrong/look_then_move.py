"""The next entry is read first, and then moved by value in a transaction that does not watch.

Incident: Under load two workers read the same entry; the second finds nothing to remove and adds it all the same.
  Every busy hour some orders are shipped twice.
Fails: 1
Says: two workers run the same job
"""


async def take(redis: Redis, worker: str) -> bytes | None:
    entry: bytes | None = await redis.lindex(READY, -1)
    if entry is not None:
        async with redis.pipeline() as pipe:
            pipe.lrem(READY, -1, entry)
            pipe.lpush(processing(worker), entry)
            await pipe.execute()
    return entry
