"""acknowledge lets redis-py return the errors of EXEC instead of raising them, and doesn't look at them.

Incident: A script had stored the done jobs as a list. Redis refused every SADD, every LREM went through, and finished jobs
  were in no key at all.
Fails: 2
Says: WRONGTYPE
"""


async def acknowledge(redis: Redis, job: bytes, outcome: str) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.lrem(PROCESSING, 1, job)
        pipe.sadd(outcome, job)
        await pipe.execute(raise_on_error=False)
