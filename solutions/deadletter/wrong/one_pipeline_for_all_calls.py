"""redrive keeps its pipeline, one for each client, to save making a new one.

Incident: Two requests of the dead-letter page ran at the same time. The second one's look was queued in the first one's
  transaction, and both requests failed, on some days.
Fails: 6
Says: at the same time
"""

from weakref import WeakKeyDictionary

_pipelines: WeakKeyDictionary[Redis, Pipeline] = WeakKeyDictionary()


async def redrive(redis: Redis, job_id: str, *, now_s: float) -> bool:
    pipe = _pipelines.setdefault(redis, redis.pipeline())
    try:
        while True:
            try:
                await pipe.watch(DEAD)
                records: list[bytes] = await pipe.lrange(DEAD, 0, -1)
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
    finally:
        await pipe.reset()
