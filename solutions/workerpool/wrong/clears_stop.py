"""The feeder has seen stop and clears it, so that the pool can be started again.

Incident: Two pools of one process wait for the same event. One stops, the other goes on until it is killed.
Fails: 4
Says: the event is not set any more
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        while True:
            await channel.room()
            if stop.is_set():
                stop.clear()
                return
            job = await take(redis)
            if job is None:
                return
            await channel.put(job)
    finally:
        channel.close()
