"""What a handler returns is looked at: an exception object counts as a failure.

Incident: A handler that collects errors returned the last one it had dealt with. Its jobs were done, and went to FAILED.
Fails: 2
Says: returns an exception
"""


async def _handled(handler: Handler, job: bytes) -> None:
    try:
        result = await handler(job)
    except asyncio.CancelledError:
        if asyncio.current_task().cancelling():  # type: ignore[union-attr]
            raise
        raise RuntimeError("a task that the handler awaited was cancelled") from None
    if isinstance(result, Exception):
        raise result
