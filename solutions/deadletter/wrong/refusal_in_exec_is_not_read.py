"""fail takes the replies of EXEC as a list of values; redis-py was asked to return errors instead of raising them.

Incident: A script had written a string under the name of the sorted set. Each failed job left the worker's list, the ZADD
  was refused, and fail answered "scheduled".
Fails: 2
Says: the ResponseError (WRONGTYPE)
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
                if dead:
                    pipe.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
                else:
                    pipe.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
                await pipe.execute(raise_on_error=False)
            except WatchError:
                continue
            return "dead" if dead else "scheduled"
