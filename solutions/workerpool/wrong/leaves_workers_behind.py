"""The pool gathers feeder and workers; when the feeder fails, gather raises and the workers go on alone.

Incident: The caller closes the connections and exits while handlers run: torn off in the middle, with half their effects done.
Fails: 3, 5
Says: still running afterwards
"""


async def run_pool(
    redis: Redis, handler: Handler, on_failure: OnFailure, *, workers: int, capacity: int, stop: asyncio.Event
) -> None:
    _check(workers)
    channel: Channel[bytes] = Channel(capacity)
    await asyncio.gather(
        work(redis, channel, handler, on_failure, workers=workers),
        feed(redis, channel, stop),
    )
