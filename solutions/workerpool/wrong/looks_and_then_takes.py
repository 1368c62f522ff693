"""The take reads which job is next and then removes it, in two commands.

Incident: Two pools read the same job before either has removed it, and both run it: the customer is charged twice.
Fails: 1, 5
Says: run by two workers
"""


async def take(redis: Redis) -> bytes | None:
    job = await redis.lindex(READY, -1)
    if job is not None:
        async with redis.pipeline(transaction=True) as pipe:
            pipe.lrem(READY, -1, job)
            pipe.lpush(PROCESSING, job)
            await pipe.execute()
    return job
