"""The acknowledgement stands in a `finally`: whatever the handler did, the job is done.

Incident: The dashboard shows no failed job, ever; the customers do.
Fails: 2, 5, 6
Says: failed jobs look done
"""


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    try:
        await handler(job)
    except Exception as error:
        await on_failure(job, error)
    await acknowledge(redis, job, DONE)
