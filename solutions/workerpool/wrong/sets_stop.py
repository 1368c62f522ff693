"""The feeder sets stop when READY is empty, to tell the rest of the pool.

Incident: Two pools of one process share the event. The first to see an empty queue stops the other one for good.
Fails: 4
Says: stop is set
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        while True:
            await channel.room()
            if stop.is_set():
                return
            job = await take(redis)
            if job is None:
                stop.set()
                return
            await channel.put(job)
    finally:
        channel.close()
