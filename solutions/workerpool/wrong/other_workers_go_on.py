"""A worker that cannot acknowledge ends, and its error waits until the others are through with the queue.

Incident: Redis refuses writes for a moment. One worker less, and the alarm comes hours later, with the end of the backlog.
Fails: 2, 3
Says: runs the whole backlog
"""


async def work(redis: Redis, channel: Channel[bytes], handler: Handler, on_failure: OnFailure, *, workers: int) -> None:
    _check(workers)

    async def worker() -> None:
        async for job in channel:
            await _run_job(redis, job, partial(_handled, handler), on_failure)

    ends = await asyncio.gather(*(worker() for _ in range(workers)), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
