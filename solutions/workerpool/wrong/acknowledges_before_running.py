"""The job is acknowledged when it is handed to the handler, so that it is surely not run twice.

Incident: A deploy in the middle of a handler loses the job: it counts as done and was never finished.
Fails: 2, 3, 4, 5, 6
Says: the handler hasn't returned
"""


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    await acknowledge(redis, job, DONE)
    try:
        await handler(job)
    except Exception as error:
        await on_failure(job, error)
        await acknowledge(redis, job, FAILED)
