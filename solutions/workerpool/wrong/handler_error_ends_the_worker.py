"""Nothing catches what a handler raises, so one bad job ends its worker and with it the pool.

Incident: One malformed message takes the whole pool down, the supervisor restarts it, the reaper returns the message: a crash loop.
Fails: 2, 3, 5, 6
Says: ValueError: no such user
"""


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    await handler(job)
    await acknowledge(redis, job, DONE)
