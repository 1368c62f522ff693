"""An entry that nobody can read is removed, and logged at best.

Incident: A release changes the format, and the workers that are still old throw away an hour of orders as unreadable.
  There is nothing to re-drive.
Fails: 3, 5
Says: an entry that no worker can read is lost
"""


async def fail(
    redis: Redis,
    worker: str,
    entry: bytes,
    error: BaseException,
    *,
    now_s: float,
    delay_s: float,
    max_attempts: int,
) -> Literal["scheduled", "dead", "gone"]:
    held = processing(worker)
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(held)
                if await pipe.lpos(held, entry) is None:
                    return "gone"
                job = _after_failure(worker, entry, error, now_s=now_s)
                dead = job["id"] is None or job["attempts"] >= max_attempts
                pipe.multi()
                pipe.lrem(held, 1, entry)
                if job["id"] is None:
                    pass
                elif dead:
                    pipe.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
                else:
                    pipe.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
                await pipe.execute()
            except WatchError:
                # The list changed, or the connection broke and EXEC may have run: only reading again can tell.
                continue
            return "dead" if dead else "scheduled"
