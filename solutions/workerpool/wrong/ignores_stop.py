"""The pool never looks at stop: it ends when READY is empty.

Incident: Every deploy waits for the whole backlog and then kills the process.
Fails: 4, 6
Says: nothing is taken after stop
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        while True:
            await channel.room()
            job = await take(redis)
            if job is None:
                return
            await channel.put(job)
    finally:
        channel.close()
