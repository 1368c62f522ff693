"""The job is popped and then put into the processing list, by two commands.

Incident: Now and then a job is missing after a restart. The gap between the two commands is so short that no test on
  one machine ever met it.
Fails: 1
Says: the job is lost
"""


async def take(redis: Redis, worker: str) -> bytes | None:
    entry: bytes | None = await redis.rpop(READY)
    if entry is not None:
        await redis.lpush(processing(worker), entry)
    return entry
