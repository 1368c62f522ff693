"""The feeder closes the channel after its loop, and not when the loop is left by an error.

Incident: Redis fails over, the feeder dies, and the workers wait for ever: up, green, idle.
Fails: 3
Says: ended by: Redis fails
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    while not stop.is_set():
        await channel.room()
        if stop.is_set():
            break
        job = await take(redis)
        if job is None:
            break
        await channel.put(job)
    channel.close()
