"""The drain empties all of PROCESSING into READY, other pools' jobs included.

Incident: A deploy of one process makes every job that the others are running start a second time.
Fails: 6
Says: job-3 another pool's
"""


async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    while await redis.lmove(PROCESSING, READY, "LEFT", "RIGHT") is not None:
        pass
