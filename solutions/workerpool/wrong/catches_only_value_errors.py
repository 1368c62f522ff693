"""The worker catches the errors its author had met: ValueError and OSError.

Incident: The first KeyError in a handler stops the pool on a Sunday.
Fails: 2
Says: it returns without an error
"""


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    try:
        await handler(job)
    except (ValueError, OSError) as error:  # noqa: BLE001  (whatever a handler raises is the job's failure, not the pool's)
        await on_failure(job, error)
        await acknowledge(redis, job, FAILED)
    else:
        await acknowledge(redis, job, DONE)
