"""give_back turns the list that it was given round, in place.

Incident: The log line after the drain names the jobs in the wrong order; and a tuple of jobs ends the drain with an
  AttributeError, and all of them are stranded.
Fails: 6
Says: the caller's list as it was
"""


async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        jobs.reverse()  # type: ignore[attr-defined]
        for job in jobs:
            pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]
            pipe.rpush(READY, job)
        await pipe.execute()
