"""The acknowledgement stands inside the try that is meant for the handler.

Incident: A hiccup of the network turns jobs that were done into failed ones: they are in both sets, and are retried.
Fails: 2, 3, 5, 6
Says: only its handler raised
"""


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    try:
        await handler(job)
        await acknowledge(redis, job, DONE)
    except Exception as error:
        await on_failure(job, error)
        await acknowledge(redis, job, FAILED)
