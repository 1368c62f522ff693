"""The worker catches BaseException, so a cancellation is written off as one more failed job.

Incident: Every deploy marks the jobs of that moment as failed, and the shutdown hangs until the supervisor kills the process.
Fails: 2, 3, 6
Says: still running ten seconds later
"""


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    try:
        await handler(job)
    except BaseException as error:  # noqa: BLE001  (whatever a handler raises is the job's failure, not the pool's)
        await on_failure(job, error)
        await acknowledge(redis, job, FAILED)
    else:
        await acknowledge(redis, job, DONE)
