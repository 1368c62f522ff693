"""The feeder logs an error from Redis and ends as if READY were empty.

Incident: Redis is unreachable, every pool exits with success, and the supervisor sees nothing to restart.
Fails: 3, 5, 6
Says: ended by: Redis fails
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        while True:
            await channel.room()
            if stop.is_set():
                return
            job = await take(redis)
            if job is None:
                return
            await channel.put(job)
    except Exception as error:
        print("feeder:", error)
    finally:
        channel.close()
