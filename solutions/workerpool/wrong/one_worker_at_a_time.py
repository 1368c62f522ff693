"""The workers are awaited one after the other instead of side by side.

Incident: The setting says 50 workers, the queue grows as with one, and adding workers changes nothing.
Fails: 2
Says: 1 handlers at once
"""


async def work(redis: Redis, channel: Channel[bytes], handler: Handler, on_failure: OnFailure, *, workers: int) -> None:
    _check(workers)

    for _ in range(workers):
        async for job in channel:
            await _run_job(redis, job, partial(_handled, handler), on_failure)
