"""Jobs are given back with LPUSH, to the end on which producers push.

Incident: Every deploy sends the oldest jobs behind the whole backlog; with many deploys a day, some never run.
Fails: 6
Says: the order in ready
"""


async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        for job in reversed(jobs):
            pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]
            pipe.lpush(READY, job)
        await pipe.execute()
