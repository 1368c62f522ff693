"""Each worker closes the channel when it is through with it.

Incident: The pool dies of its own shutdown: the first close succeeds or not, the second always raises.
Fails: 2, 3, 4, 5
Says: ChannelClosed: close of a closed channel
"""


async def work(redis: Redis, channel: Channel[bytes], handler: Handler, on_failure: OnFailure, *, workers: int) -> None:
    _check(workers)

    async def worker() -> None:
        async for job in channel:
            await _run_job(redis, job, partial(_handled, handler), on_failure)
        channel.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())
