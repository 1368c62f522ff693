"""The feeder waits for more work by asking Redis ten times a second, and never ends.

Incident: A batch that should end after the last job never does; the scheduler starts the next one beside it.
Fails: 1, 3, 4, 5, 6
Says: it polls, or waits for what never happens
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        while True:
            await channel.room()
            if stop.is_set():
                return
            job = await take(redis)
            if job is None:
                await asyncio.sleep(0.1)
                continue
            await channel.put(job)
    finally:
        channel.close()
