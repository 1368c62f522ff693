"""Only the workers look at their number, when the feeder has begun already.

Incident: A typo in a setting. Each attempt to start the pool fails, and each has moved a job into PROCESSING.
Fails: 3
Says: an ExceptionGroup of ValueError
"""


async def run_pool(
    redis: Redis, handler: Handler, on_failure: OnFailure, *, workers: int, capacity: int, stop: asyncio.Event
) -> None:
    channel: Channel[bytes] = Channel(capacity)
    async with asyncio.TaskGroup() as group:
        group.create_task(work(redis, channel, handler, on_failure, workers=workers))
        group.create_task(feed(redis, channel, stop))
