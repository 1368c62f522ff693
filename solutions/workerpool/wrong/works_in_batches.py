"""The workers get a job each, run them together, and get the next when all have run.

Incident: One long job among short ones, and every other worker waits for it with nothing to do.
Fails: 2
Says: one long job stops every worker
"""


async def work(redis: Redis, channel: Channel[bytes], handler: Handler, on_failure: OnFailure, *, workers: int) -> None:
    _check(workers)

    while True:
        batch = []
        try:
            while len(batch) < workers and (not batch or len(channel) > 0):
                batch.append(await channel.get())
        except ChannelClosed:
            return
        async with asyncio.TaskGroup() as group:
            for job in batch:
                group.create_task(_run_job(redis, job, partial(_handled, handler), on_failure))
