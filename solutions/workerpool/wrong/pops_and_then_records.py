"""The take pops the job from READY and then pushes it to PROCESSING, in two commands.

Incident: A pool killed between the two has a job that is in no list: nobody will ever find it.
Fails: 1, 5, 6
Says: job-1 in no place
"""


async def take(redis: Redis) -> bytes | None:
    job = await redis.rpop(READY)
    if job is not None:
        await redis.lpush(PROCESSING, job)
    return job
