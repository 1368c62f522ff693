"""After a WatchError fail writes again without reading again.

Incident: The connection broke after EXEC had run, and redis-py reports that as a WatchError. The loop took it for
  "refused", and buried the job a second time.
Fails: 2, 5
Says: job-1 is in {orders}:dead and in {orders}:dead
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
    if await redis.lpos(held, entry) is None:
        return "gone"
    job = _after_failure(worker, entry, error, now_s=now_s)
    dead = job["id"] is None or job["attempts"] >= max_attempts
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(held)
                pipe.multi()
                pipe.lrem(held, 1, entry)
                if dead:
                    pipe.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
                else:
                    pipe.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
                await pipe.execute()
            except WatchError:
                continue
            return "dead" if dead else "scheduled"
