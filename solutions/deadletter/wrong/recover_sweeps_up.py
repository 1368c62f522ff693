"""After each entry was moved, the list is deleted, to be sure that it is empty.

Incident: The worker was only slow and had taken one more job. It was in the list for a millisecond.
Fails: 5
Says: the job is lost
"""


async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    moved = 0
    for entry in await redis.lrange(processing(worker), 0, -1):
        error = WorkerLostError(f"worker {worker} was lost")
        outcome = await fail(redis, worker, entry, error, now_s=now_s, delay_s=delay_s, max_attempts=max_attempts)
        moved += outcome != "gone"
    await redis.delete(processing(worker))
    return moved
