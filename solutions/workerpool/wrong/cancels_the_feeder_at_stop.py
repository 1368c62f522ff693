"""When stop is set, the pool cancels the feeder, even in the middle of a take.

Incident: The take has happened in Redis and its answer is thrown away: the job is in processing and no worker knows of it.
Fails: 4, 5
Says: before the reply arrives
"""


async def run_pool(
    redis: Redis, handler: Handler, on_failure: OnFailure, *, workers: int, capacity: int, stop: asyncio.Event
) -> None:
    _check(workers)
    channel: Channel[bytes] = Channel(capacity)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(work(redis, channel, handler, on_failure, workers=workers))
        feeder = group.create_task(feed(redis, channel, stop))
        stopping = group.create_task(stop.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        feeder.cancel()
        stopping.cancel()
