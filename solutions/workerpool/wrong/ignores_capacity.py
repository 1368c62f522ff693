"""The pool makes its channel with a generous size of its own instead of the capacity it was given.

Incident: The limit in the settings changes nothing, and nobody sees it until a pool is killed with a thousand jobs in memory.
Fails: 3
Says: 9 jobs in PROCESSING at once
"""


async def run_pool(
    redis: Redis, handler: Handler, on_failure: OnFailure, *, workers: int, capacity: int, stop: asyncio.Event
) -> None:
    _check(workers)
    if capacity < 1:
        raise ValueError(f"capacity must be at least 1, got {capacity}")
    channel: Channel[bytes] = Channel(1000)
    async with asyncio.TaskGroup() as group:
        group.create_task(work(redis, channel, handler, on_failure, workers=workers))
        group.create_task(feed(redis, channel, stop))


async def run_pool_with_grace(
    redis: Redis,
    handler: Handler,
    on_failure: OnFailure,
    *,
    workers: int,
    capacity: int,
    stop: asyncio.Event,
    grace_s: float,
) -> None:
    _check(workers)
    if grace_s < 0:
        raise ValueError(f"grace_s must be at least 0, got {grace_s}")
    if capacity < 1:
        raise ValueError(f"capacity must be at least 1, got {capacity}")
    channel: Channel[bytes] = Channel(1000)
    grace = _Grace(grace_s)
    unfinished: dict[bytes, None] = {}  # in the order taken, which is the order to give back in

    async def worker() -> None:
        async for job in channel:
            unfinished[job] = None
            try:
                await _run_job(redis, job, partial(grace.run, partial(_handled, handler)), on_failure)
            except _CutShort:
                continue
            del unfinished[job]

    clock = asyncio.create_task(grace.watch(stop))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
            group.create_task(feed(redis, channel, stop))
    finally:
        clock.cancel()
        await asyncio.wait([clock])
    await give_back(redis, list(unfinished))
