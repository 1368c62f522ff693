"""Between the look at stop and the take, the feeder asks Redis whether there is a job at all.

Incident: Stop comes while that answer is on its way. The pool takes one more job, a long one, and the deploy waits for it.
Fails: 4
Says: no take is begun after stop
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        while True:
            await channel.room()
            if stop.is_set():
                return
            if not await redis.llen(READY):
                return
            job = await take(redis)
            if job is None:
                return
            await channel.put(job)
    finally:
        channel.close()
