"""The job is put where it goes first, and then removed, by two commands.

Incident: A worker dies between the two. The job is due for its retry and recovered from the dead worker's list as
  well: it runs twice, on two machines, at the same time.
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
    if dead:
        await redis.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
    else:
        await redis.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
    await redis.lrem(held, 1, entry)
    return "dead" if dead else "scheduled"
