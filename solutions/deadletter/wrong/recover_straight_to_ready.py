"""What the worker held goes back to READY as it was.

Incident: One job makes the process run out of memory. It is taken, the worker dies, it is recovered, the next worker
  takes it, until the whole fleet is restarting.
Fails: 5
Says: job-2: ['{orders}:ready'] instead of
"""


async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    moved = 0
    while await redis.lmove(processing(worker), READY, "RIGHT", "RIGHT") is not None:
        moved += 1
    return moved
