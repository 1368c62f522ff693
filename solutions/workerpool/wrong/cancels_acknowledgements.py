"""At the end of the grace period the worker tasks are cancelled, whatever they are waiting for.

Incident: A handler that raised while it cleaned up looked like one that had failed. Each deploy reported the jobs of that
  moment as failed.
Fails: 6
Says: a job cut short has not failed
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

    async def worker() -> None:
        async for job in channel:
            unfinished[job] = None
            await _run_job(redis, job, partial(_handled, handler), on_failure)
            del unfinished[job]

    async def end_grace() -> None:
        await stop.wait()
        await asyncio.sleep(grace_s)
        for task in tasks:
            task.cancel()
        async for job in channel:
            unfinished[job] = None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(worker()) for _ in range(workers)]
        feeder = group.create_task(feed(redis, channel, stop))
        clock = group.create_task(end_grace())
        await asyncio.wait([*tasks, feeder])
        if not stop.is_set() or not unfinished:
            clock.cancel()
    await give_back(redis, list(unfinished))
