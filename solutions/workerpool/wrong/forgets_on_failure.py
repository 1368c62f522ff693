"""A failed job goes to FAILED, and on_failure is never called.

Incident: Failures are not retried and reach no dead letter: a set of names, without a reason, that nobody reads.
Fails: 2, 6
Says: on_failure called for nothing
"""


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    try:
        await handler(job)
    except Exception as error:  # noqa: BLE001  (whatever a handler raises is the job's failure, not the pool's)
        print("failed:", job, error)
        await acknowledge(redis, job, FAILED)
    else:
        await acknowledge(redis, job, DONE)
