"""A handler that returns although it was cancelled is acknowledged, and its job is given back all the same.

Incident: Handlers that catch the cancellation and save what they have are run again after every deploy.
Fails: 6
Says: in ready and done
"""


class _Grace:
    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self.over = False
        self._limits: set[asyncio.Timeout] = set()

    async def watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(self._grace_s)
        self.over = True
        for limit in self._limits:
            limit.reschedule(asyncio.get_running_loop().time())

    async def run(self, handler: Handler, job: bytes) -> None:
        if self.over:
            raise _CutShort
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._limits.add(limit)
                try:
                    await handler(job)
                finally:
                    self._limits.discard(limit)
        except Exception:
            if limit.expired():
                raise _CutShort from None
            raise  # the handler's own, a TimeoutError too


async def run_pool_with_grace(
    redis: Redis,
    handler: Handler,
    on_failure: OnFailure,
    *,
    workers: int,
    capacity: int,
    stop: asyncio.Event,
    grace_s: float,
) -> None:
    _check(workers)
    if grace_s < 0:
        raise ValueError(f"grace_s must be at least 0, got {grace_s}")
    channel: Channel[bytes] = Channel(capacity)
    grace = _Grace(grace_s)
    unfinished: dict[bytes, None] = {}  # in the order taken, which is the order to give back in

    async def worker() -> None:
        async for job in channel:
            unfinished[job] = None
            try:
                await _run_job(redis, job, lambda job: grace.run(handler, job), on_failure)
            except _CutShort:
                continue
            if not grace.over:
                del unfinished[job]

    clock = asyncio.create_task(grace.watch(stop))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
            group.create_task(feed(redis, channel, stop))
    finally:
        clock.cancel()
        await asyncio.wait([clock])
    await give_back(redis, list(unfinished))
