"""give_back looks for its jobs among the newest hundred entries of PROCESSING, which all pools share.

Incident: Twelve pools of twenty workers drained at the same deploy. The jobs that had run longest were not found, and
  stayed in PROCESSING.
Fails: 6
Says: of other pools
"""


async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        while True:
            try:
                await pipe.watch(PROCESSING)
                held = await pipe.lrange(PROCESSING, 0, 99)
                pipe.multi()
                for job in reversed(jobs):
                    if job in held:
                        pipe.lrem(PROCESSING, 1, job)
                        pipe.rpush(READY, job)
                await pipe.execute()
            except WatchError:
                continue
            return
