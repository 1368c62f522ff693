"""The feeder counts READY when it starts, and takes that many jobs.

Incident: A nightly batch whose jobs add jobs ends with those of the first round. The rest is run a day later.
Fails: 1
Says: jobs that arrive while the pool runs
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        for _ in range(await redis.llen(READY)):
            await channel.room()
            if stop.is_set():
                return
            job = await take(redis)
            if job is None:
                return
            await channel.put(job)
    finally:
        channel.close()
