"""recover goes over a set of what the worker held.

Incident: A producer sent the same unreadable bytes twice; one of the two stays with a worker that is gone.
Fails: 5
Says: twice the same bytes
"""


async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    moved = 0
    for entry in set(await redis.lrange(processing(worker), 0, -1)):
        error = WorkerLostError(f"worker {worker} was lost")
        outcome = await fail(redis, worker, entry, error, now_s=now_s, delay_s=delay_s, max_attempts=max_attempts)
        moved += outcome != "gone"
    return moved
