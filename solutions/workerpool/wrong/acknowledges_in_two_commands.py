"""The acknowledgement removes the job from PROCESSING and then, in a second command, adds it to its set.

Incident: A pool killed between the two has finished the job and left no trace of it: the numbers never add up again.
Fails: 5, 6
Says: job-1 in no place
"""


async def acknowledge(redis: Redis, job: bytes, outcome: str) -> None:
    await redis.lrem(PROCESSING, 1, job)
    await redis.sadd(outcome, job)
