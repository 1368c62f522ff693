"""The job is removed first, and goes where it should only if the removal found it.

Incident: It looks safe against repeats, and it is. Then the connection breaks between the two commands, and the job
  that had failed is neither retried nor dead.
Fails: 2, 5
Says: lost
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
    job = _after_failure(worker, entry, error, now_s=now_s)
    dead = job["id"] is None or job["attempts"] >= max_attempts
    if await redis.lrem(processing(worker), 1, entry) == 0:
        return "gone"
    if dead:
        await redis.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
    else:
        await redis.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
    return "dead" if dead else "scheduled"
