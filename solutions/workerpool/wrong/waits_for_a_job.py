"""The take waits a second for a job instead of looking whether there is one.

Incident: The last job of a batch is done, and the batch ends a second later, for each of its pools. A pool that is told
  to stop sits in its take.
Fails: 1
Says: BLMOVE waits for a job
"""


async def take(redis: Redis) -> bytes | None:
    return cast("bytes | None", await redis.blmove(READY, PROCESSING, 1, "RIGHT", "LEFT"))
