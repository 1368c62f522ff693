"""Each job gets a task of its own at once; the number of workers limits nothing.

Incident: A backlog after an outage becomes ten thousand handlers at once, and the database behind them goes down a second time.
Fails: 2, 3
Says: 7 handlers at once
"""


async def work(redis: Redis, channel: Channel[bytes], handler: Handler, on_failure: OnFailure, *, workers: int) -> None:
    _check(workers)

    async with asyncio.TaskGroup() as group:
        async for job in channel:
            group.create_task(_run_job(redis, job, partial(_handled, handler), on_failure))
