"""A failed job is acknowledged first and reported afterwards.

Incident: The process dies in between: the job is in failed, and no retry, no dead letter and no log line knows of it.
Fails: 2
Says: on_failure first, acknowledge after it
"""


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    try:
        await handler(job)
    except Exception as error:  # noqa: BLE001  (whatever a handler raises is the job's failure, not the pool's)
        await acknowledge(redis, job, FAILED)
        await on_failure(job, error)
    else:
        await acknowledge(redis, job, DONE)
