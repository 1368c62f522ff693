"""The feeder takes a job and then waits for room to put it.

Incident: Each pool holds one job that it has no place for, as long as its slowest handler runs, while other pools are idle.
Fails: 1, 3
Says: 2 jobs taken
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        while True:
            if stop.is_set():
                return
            job = await take(redis)
            if job is None:
                return
            await channel.put(job)
    finally:
        channel.close()
