"""The pool awaits its feeder first and only then the workers, whose errors it cannot see meanwhile.

Incident: The connection of the only worker breaks; the feeder waits for room that nobody will make: up, green, idle.
Fails: 3, 4, 5
Says: waits for what never happens
"""


async def run_pool(
    redis: Redis, handler: Handler, on_failure: OnFailure, *, workers: int, capacity: int, stop: asyncio.Event
) -> None:
    _check(workers)
    channel: Channel[bytes] = Channel(capacity)
    working = asyncio.create_task(work(redis, channel, handler, on_failure, workers=workers))
    try:
        await feed(redis, channel, stop)
        await working
    finally:
        working.cancel()
        await asyncio.wait([working])
