"""A failed job is reported and left in PROCESSING.

Incident: The reaper finds it there and returns it to ready: a job that can never succeed runs for ever.
Fails: 2, 3, 5, 6
Says: in processing, not in failed
"""


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    try:
        await handler(job)
    except Exception as error:  # noqa: BLE001  (whatever a handler raises is the job's failure, not the pool's)
        await on_failure(job, error)
    else:
        await acknowledge(redis, job, DONE)
