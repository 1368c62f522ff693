"""A worker that sees a job fail closes the channel, "to stop the pool cleanly".

Incident: The feeder's next put raises with a job in its hand: the job is in processing, and nobody runs it.
Fails: 3, 5
Says: the channel was closed
"""


async def _run_job(
    redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure, channel: Channel[bytes] | None = None
) -> None:
    try:
        await _handled(handler, job)
    except Exception as error:  # noqa: BLE001  (whatever a handler raises is the job's failure, not the pool's)
        await on_failure(job, error)
        await acknowledge(redis, job, FAILED)
        if channel is not None and not channel.closed:
            channel.close()
    else:
        await acknowledge(redis, job, DONE)


async def work(redis: Redis, channel: Channel[bytes], handler: Handler, on_failure: OnFailure, *, workers: int) -> None:
    _check(workers)

    async def worker() -> None:
        async for job in channel:
            await _run_job(redis, job, handler, on_failure, channel)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())
