"""Each handler has thirty seconds, lest one hold up a worker for ever.

Incident: A long report is broken off at every attempt, and lands in FAILED with a TimeoutError that its code never
  raised.
Fails: 2, 4
Says: There is no limit for a handler
"""


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    try:
        await asyncio.wait_for(handler(job), 30)
    except Exception as error:  # noqa: BLE001  (whatever a handler raises is the job's failure, not the pool's)
        await on_failure(job, error)
        await acknowledge(redis, job, FAILED)
    else:
        await acknowledge(redis, job, DONE)
