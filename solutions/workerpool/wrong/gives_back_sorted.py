"""What is unfinished is kept in a set and sorted before it is given back.

Incident: job-10 is run before job-8 after each deploy.
Fails: 6
Says: the order in ready
"""


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
    channel: Channel[bytes] = Channel(capacity)
    grace = _Grace(grace_s)
    unfinished: set[bytes] = set()

    async def worker() -> None:
        async for job in channel:
            unfinished.add(job)
            try:
                await _run_job(redis, job, partial(grace.run, partial(_handled, handler)), on_failure)
            except _CutShort:
                continue
            unfinished.remove(job)

    clock = asyncio.create_task(grace.watch(stop))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
            group.create_task(feed(redis, channel, stop))
    finally:
        clock.cancel()
        await asyncio.wait([clock])
    await give_back(redis, sorted(unfinished))
