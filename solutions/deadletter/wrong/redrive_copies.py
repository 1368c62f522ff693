"""The dead letter is put back into READY and stays among the dead.

Incident: The operator looks, sees it still there, and presses again: the job runs once for each press, and is still
  there.
Fails: 6
Says: re-driven again
"""


async def redrive(redis: Redis, job_id: str, *, now_s: float) -> bool:
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(DEAD)
                records: list[bytes] = await pipe.lrange(DEAD, 0, -1)
                record = next((dead for dead in records if json.loads(dead)["id"] == job_id), None)
                if record is None:
                    return False
                pipe.multi()
                pipe.lpush(READY, _encode(_after_redrive(json.loads(record), now_s=now_s)))
                await pipe.execute()
            except WatchError:
                continue
            return True
