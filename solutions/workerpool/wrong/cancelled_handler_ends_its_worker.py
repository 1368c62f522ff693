"""A handler's CancelledError is taken for the pool's own: it ends the worker, and the TaskGroup takes no notice.

Incident: A handler awaited a shared refresh task that another request had cancelled. Two such jobs, and both workers were
  gone; the feeder waited for room in a buffer that nobody emptied.
Fails: 2, 3
Says: a task that it awaits is cancelled
"""


async def _handled(handler: Handler, job: bytes) -> None:
    await handler(job)
