"""Each handler is started with create_task, which takes coroutines and no other awaitable.

Incident: A handler that returned the future of a thread pool's job ended the whole pool with "a coroutine was expected".
Fails: 2
Says: returns a future
"""


async def _handled(handler: Handler, job: bytes) -> None:
    try:
        await asyncio.create_task(handler(job))
    except asyncio.CancelledError:
        if asyncio.current_task().cancelling():  # type: ignore[union-attr]
            raise
        raise RuntimeError("a task that the handler awaited was cancelled") from None
