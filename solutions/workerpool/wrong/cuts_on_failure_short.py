"""The grace period cancels what the worker does with a job, `on_failure` too.

Incident: A failure is half reported, and its job is given back, run, and reported again.
Fails: 6
Says: on_failure finished for
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
    unfinished: dict[bytes, None] = {}  # in the order taken, which is the order to give back in

    async def worker() -> None:
        async for job in channel:
            unfinished[job] = None
            try:
                failed = False

                async def step(job: bytes) -> None:
                    nonlocal failed
                    try:
                        await handler(job)
                    except Exception as error:
                        if grace._over:
                            raise
                        await on_failure(job, error)
                        failed = True

                await grace.run(step, job)
                await acknowledge(redis, job, FAILED if failed else DONE)
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
