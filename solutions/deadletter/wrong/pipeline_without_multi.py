"""The commands go out together, in a pipeline that is no transaction.

Incident: One round trip looks like one step. The connection breaks when half of the bytes have arrived: Redis runs
  the first command and never sees the second.
Fails: 2, 5
Says: the job is lost
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
    async with redis.pipeline(transaction=False) as pipe:
        pipe.lrem(held, 1, entry)
        if dead:
            pipe.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
        else:
            pipe.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
        await pipe.execute()
    return "dead" if dead else "scheduled"
