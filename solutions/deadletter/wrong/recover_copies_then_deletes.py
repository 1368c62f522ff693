"""The list is read, its entries are moved on, and the list is deleted in one transaction, without WATCH.

Incident: Two reapers wake in the same second. Each has read the list before the other deleted it, and each of the
  dead worker's jobs is there twice.
Fails: 5
Says: two
"""


async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    held = processing(worker)
    entries = await redis.lrange(held, 0, -1)
    async with redis.pipeline() as pipe:
        for entry in entries:
            job = _after_failure(worker, entry, WorkerLostError(f"worker {worker} was lost"), now_s=now_s)
            if job["id"] is None or job["attempts"] >= max_attempts:
                pipe.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
            else:
                pipe.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
        pipe.delete(held)
        await pipe.execute()
    return len(entries)
