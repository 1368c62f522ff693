"""Cancelled handlers are not waited for: their jobs go back while they clean up.

Incident: Another pool takes the job at once, and two workers write the same file.
Fails: 6
Says: given back while the handler still ran
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
    unfinished: dict[bytes, None] = {}
    handlers: set[asyncio.Task[None]] = set()
    over = asyncio.Event()

    async def end_grace() -> None:
        await stop.wait()
        await asyncio.sleep(grace_s)
        over.set()
        for task in list(handlers):
            task.cancel()

    async def run(job: bytes) -> None:
        if over.is_set():
            raise _CutShort
        task = asyncio.ensure_future(handler(job))
        handlers.add(task)
        ending = asyncio.create_task(over.wait())
        try:
            await asyncio.wait([task, ending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            handlers.discard(task)
        if over.is_set():
            raise _CutShort
        await task

    async def worker() -> None:
        async for job in channel:
            unfinished[job] = None
            try:
                await _run_job(redis, job, run, on_failure)
            except _CutShort:
                continue
            del unfinished[job]

    clock = asyncio.create_task(end_grace())
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
            group.create_task(feed(redis, channel, stop))
    finally:
        clock.cancel()
        await asyncio.wait([clock])
    await give_back(redis, list(unfinished))
