"""The feeder returns when READY is empty and closes nothing.

Incident: Every worker waits for a job that nobody will send; the process never exits and is killed.
Fails: 3, 4, 5, 6
Says: close called 0 times
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    while True:
        await channel.room()
        if stop.is_set():
            return
        job = await take(redis)
        if job is None:
            return
        await channel.put(job)
