"""fail removes and adds in one transaction, whether or not there was anything to remove.

Incident: Each lost reply is repeated by the caller, and each repeat adds a copy. After a night of bad network many
  dead letters are there twice, and are re-driven twice.
Fails: 2, 3, 5
Says: adds a copy
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
    async with redis.pipeline() as pipe:
        pipe.lrem(processing(worker), 1, entry)
        if dead:
            pipe.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
        else:
            pipe.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
        await pipe.execute()
    return "dead" if dead else "scheduled"
