"""The acknowledgement pops the oldest entry of PROCESSING, which with one worker happens to be its job.

Incident: With two workers, a quick job takes the slow one's entry away, and a crash then loses the slow job.
Fails: 2, 5, 6
Says: acknowledge(redis, b'job-2', 'pool:done'), the first call
"""


async def acknowledge(redis: Redis, job: bytes, outcome: str) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.rpop(PROCESSING)
        pipe.sadd(outcome, job)
        await pipe.execute()
