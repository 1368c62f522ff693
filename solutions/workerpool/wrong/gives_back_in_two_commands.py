"""Each job is removed from PROCESSING and then, in a second command, pushed to READY.

Incident: The supervisor's kill comes between the two, and the job that was to be saved is gone.
Fails: 6
Says: job-2 in no place
"""


async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    for job in reversed(jobs):
        await redis.lrem(PROCESSING, 1, job)
        await redis.rpush(READY, job)
