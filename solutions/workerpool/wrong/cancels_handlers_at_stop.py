"""When stop is set, the pool cancels everything that runs.

Incident: Every deploy breaks off jobs in the middle and leaves them in processing.
Fails: 4, 5
Says: none: what runs is finished
"""


async def run_pool(
    redis: Redis, handler: Handler, on_failure: OnFailure, *, workers: int, capacity: int, stop: asyncio.Event
) -> None:
    _check(workers)
    channel: Channel[bytes] = Channel(capacity)

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(work(redis, channel, handler, on_failure, workers=workers))
            group.create_task(feed(redis, channel, stop))

    running = asyncio.create_task(run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not running.done():
            running.cancel()
        await asyncio.wait([running, stopping])
    if not running.cancelled():
        running.result()
