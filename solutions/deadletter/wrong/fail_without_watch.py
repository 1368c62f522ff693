"""fail looks whether the entry is there, and then acts, and nothing holds the two together.

Incident: A worker pauses for a garbage collection between the look and the transaction. Its job is recovered
  meanwhile, and then scheduled by it once more.
Fails: 2, 5
Says: the job is there twice
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
        pipe.lrem(held, 1, entry)
        if dead:
            pipe.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
        else:
            pipe.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
        await pipe.execute()
    return "dead" if dead else "scheduled"
