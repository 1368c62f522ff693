"""Settings are taken as they come: no workers, a negative grace period.

Incident: A typo in the deployment gives a pool with no workers: it fills its buffer from the queue and runs nothing.
Fails: 2, 3, 6
Says: expected  ValueError
"""


def _check(workers: int) -> None:
    print("workers:", workers)


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
    channel: Channel[bytes] = Channel(capacity)
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
