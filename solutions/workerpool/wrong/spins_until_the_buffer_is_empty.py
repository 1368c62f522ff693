"""After stop, the feeder watches the buffer in a loop that never gives control back.

Incident: The loop waits for workers that cannot run because of it: the process burns a core until it is killed.
Fails: 4, 6
Says: an endless loop, or a call that blocks
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        while True:
            await channel.room()
            if stop.is_set():
                while len(channel) > 0:
                    pass
                return
            job = await take(redis)
            if job is None:
                return
            await channel.put(job)
    finally:
        channel.close()
