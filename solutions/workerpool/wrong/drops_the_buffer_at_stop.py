"""Workers leave as soon as stop is set, with jobs still in the buffer.

Incident: The jobs in the buffer were taken, so nobody else sees them, and are run by nobody: lost at every deploy.
Fails: 4, 5
Says: jobs that were in the buffer stay in processing
"""


async def run_pool(
    redis: Redis, handler: Handler, on_failure: OnFailure, *, workers: int, capacity: int, stop: asyncio.Event
) -> None:
    _check(workers)
    channel: Channel[bytes] = Channel(capacity)

    async def worker() -> None:
        async for job in channel:
            await _run_job(redis, job, partial(_handled, handler), on_failure)
            if stop.is_set():
                return

    async with asyncio.TaskGroup() as group:
        feeder = group.create_task(feed(redis, channel, stop))
        tasks = [group.create_task(worker()) for _ in range(workers)]
        await asyncio.wait(tasks)
        feeder.cancel()
