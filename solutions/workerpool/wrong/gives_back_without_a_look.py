"""give_back is one MULTI/EXEC that looks at nothing: it pushes what it was told to push.

Incident: The reply to EXEC was lost, and redis-py sent the transaction again. Every job of the deploy was in READY twice,
  and each customer got two e-mails.
Fails: 6
Says: with its retries on
"""


async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        for job in reversed(jobs):
            pipe.lrem(PROCESSING, 1, job)
            pipe.rpush(READY, job)
        await pipe.execute()
