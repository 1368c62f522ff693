"""When one worker fails, the others are cancelled, and nobody waits until they have ended.

Incident: The caller closes its connections. Handlers that are cleaning up fail half-way, with an error that hides the
  first one.
Fails: 2
Says: handlers that still run
"""


async def work(redis: Redis, channel: Channel[bytes], handler: Handler, on_failure: OnFailure, *, workers: int) -> None:
    _check(workers)

    async def worker() -> None:
        async for job in channel:
            await _run_job(redis, job, partial(_handled, handler), on_failure)

    tasks = [asyncio.create_task(worker()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        raise
