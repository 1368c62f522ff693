"""The answer of take() is tested for truth instead of for None.

Incident: One producer submits an empty job: every pool that takes it ends, and the queue behind it stands still.
Fails: 1
Says: in the channel
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        while True:
            await channel.room()
            if stop.is_set():
                return
            job = await take(redis)
            if not job:
                return
            await channel.put(job)
    finally:
        channel.close()
