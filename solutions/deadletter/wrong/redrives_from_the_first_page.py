"""redrive looks for the id among the oldest thousand records.

Incident: After a bad day DEAD held 1,400 records. The operator was told that today's job did not exist, while peek showed
  it to her.
Fails: 6
Says: a thousand older records
"""


async def redrive(redis: Redis, job_id: str, *, now_s: float) -> bool:
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(DEAD)
                records: list[bytes] = await pipe.lrange(DEAD, 0, 999)
                record = next((dead for dead in records if json.loads(dead)["id"] == job_id), None)
                if record is None:
                    return False
                pipe.multi()
                pipe.lrem(DEAD, 1, record)
                pipe.lpush(READY, _encode(_after_redrive(json.loads(record), now_s=now_s)))
                await pipe.execute()
            except WatchError:
                continue
            return True
