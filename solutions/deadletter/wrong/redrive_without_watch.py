"""The record is read, then removed and added in a transaction that does not watch.

Incident: Two operators on two continents re-drive the same incident. Every job of it runs twice.
Fails: 6
Says: a second operator re-drives it
"""


async def redrive(redis: Redis, job_id: str, *, now_s: float) -> bool:
    records: list[bytes] = await redis.lrange(DEAD, 0, -1)
    record = next((dead for dead in records if json.loads(dead)["id"] == job_id), None)
    if record is None:
        return False
    async with redis.pipeline() as pipe:
        pipe.lrem(DEAD, 1, record)
        pipe.lpush(READY, _encode(_after_redrive(json.loads(record), now_s=now_s)))
        await pipe.execute()
    return True
