"""Jobs are given back in the order in which they were taken, so the last one is next.

Incident: Jobs that depend on their order, such as a create and its update, arrive the wrong way round after each deploy.
Fails: 6
Says: give_back(redis, [job-1, job-2, job-4])
"""


async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        for job in jobs:
            pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]
            pipe.rpush(READY, job)
        await pipe.execute()
