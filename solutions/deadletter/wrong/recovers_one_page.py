"""recover reads one page of a hundred entries and returns.

Incident: A worker that held three hundred jobs was killed. The reaper found a hundred of them and took the worker off its
  list; nobody looked at the other two hundred again.
Fails: 5
Says: still held
"""


async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    moved = 0
    for entry in await redis.lrange(processing(worker), 0, 99):
        error = WorkerLostError(f"worker {worker} was lost")
        outcome = await fail(redis, worker, entry, error, now_s=now_s, delay_s=delay_s, max_attempts=max_attempts)
        moved += outcome != "gone"
    return moved
