"""The feeder looks at stop and then waits for room; when there is room, it takes.

Incident: A pool told to stop starts one more job, perhaps the one that needs ten minutes, and is killed in the middle of it.
Fails: 4, 6
Says: nothing is taken after stop
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        while True:
            if stop.is_set():
                return
            await channel.room()
            job = await take(redis)
            if job is None:
                return
            await channel.put(job)
    finally:
        channel.close()
