"""A WatchError comes out of fail instead of starting it again.

Incident: It worked with one job at a time. With several, the list changes all the time, failures raise in the error
  handling itself, and the worker dies of it.
Fails: 2, 5
Says: WatchError
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
        await pipe.watch(held)
        if await pipe.lpos(held, entry) is None:
            return "gone"
        job = _after_failure(worker, entry, error, now_s=now_s)
        dead = job["id"] is None or job["attempts"] >= max_attempts
        pipe.multi()
        pipe.lrem(held, 1, entry)
        if dead:
            pipe.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
        else:
            pipe.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
        await pipe.execute()
        return "dead" if dead else "scheduled"
