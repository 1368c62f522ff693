"""redrive moves without a WATCH, and takes its copy back when the reply says that the record was already gone.

Incident: The reply to EXEC was lost and redis-py sent the transaction again: two copies were in READY. The second reply
  said "0 removed", so redrive took back what it had pushed, both copies of it. The job was nowhere.
Fails: 6
Says: with its retries on
"""


async def redrive(redis: Redis, job_id: str, *, now_s: float) -> bool:
    records: list[bytes] = await redis.lrange(DEAD, 0, -1)
    record = next((dead for dead in records if json.loads(dead)["id"] == job_id), None)
    if record is None:
        return False
    entry = _encode(_after_redrive(json.loads(record), now_s=now_s))
    async with redis.pipeline(transaction=True) as pipe:
        pipe.lrem(DEAD, 1, record)
        pipe.lpush(READY, entry)
        removed, _ = await pipe.execute()
    if not removed:
        await redis.lrem(READY, 0, entry)
    return bool(removed)
