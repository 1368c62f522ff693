"""The take pops the end of READY on which producers push.

Incident: Under load the newest jobs are served at once and the oldest never: p99 goes to hours while p50 looks well.
Fails: 1, 4, 6
Says: the rightmost of READY is next
"""


async def take(redis: Redis) -> bytes | None:
    return cast("bytes | None", await redis.lmove(READY, PROCESSING, "LEFT", "LEFT"))
