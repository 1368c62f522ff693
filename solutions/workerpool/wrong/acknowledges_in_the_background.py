"""The acknowledgement runs as a task of its own, so that the worker can go on at once.

Incident: Finished jobs pile up unacknowledged when Redis is slow, and a crash runs all of them again.
Fails: 2, 3, 4, 5, 6
Says: the process exits with jobs half done
"""

_acknowledgements: set[asyncio.Task[None]] = set()


async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    try:
        await handler(job)
    except Exception as error:  # noqa: BLE001  (whatever a handler raises is the job's failure, not the pool's)
        await on_failure(job, error)
        await acknowledge(redis, job, FAILED)
    else:
        _acknowledgements.add(task := asyncio.create_task(acknowledge(redis, job, DONE)))
        task.add_done_callback(_acknowledgements.discard)
