"""The try stands around the worker's whole loop, so after a failed job that worker takes no other.

Incident: The pool shrinks by one worker a failure. The process is up, the health check green, and nothing is done any more.
Fails: 2, 3, 5
Says: started: job-1
"""


async def work(redis: Redis, channel: Channel[bytes], handler: Handler, on_failure: OnFailure, *, workers: int) -> None:
    _check(workers)

    async def worker() -> None:
        job = b""
        try:
            async for job in channel:
                await _handled(handler, job)
                await acknowledge(redis, job, DONE)
        except Exception as error:
            await on_failure(job, error)
            await acknowledge(redis, job, FAILED)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())
