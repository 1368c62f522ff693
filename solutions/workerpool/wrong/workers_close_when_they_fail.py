"""Workers that end by an error close the channel, so that the feeder stops.

Incident: The feeder closes it too. The log shows "close of a closed channel", and not that Redis was away.
Fails: 2, 3, 4, 5
Says: the channel is the producer's to close
"""


async def work(redis: Redis, channel: Channel[bytes], handler: Handler, on_failure: OnFailure, *, workers: int) -> None:
    _check(workers)

    async def worker() -> None:
        async for job in channel:
            await _run_job(redis, job, partial(_handled, handler), on_failure)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
    except BaseException:
        if not channel.closed:
            channel.close()
        raise
