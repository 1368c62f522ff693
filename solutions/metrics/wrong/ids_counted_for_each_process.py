"""An id is the number of the call, counted from 1, and the mark is asked only after a failure.

Incident: After a deploy the first flush does not arrive, its number 1 is the last life's mark, and its delta is dropped.
Fails: 6
Says: a restart under the same name
"""


class Flusher:
    def __init__(self, registry: Registry, redis: Redis, worker: str) -> None:
        self._registry = registry
        self._redis = redis
        self._mark = MARK_PREFIX + worker
        self._sent: dict[str, float] = {}  # the counters as the totals are known to hold them
        self._pending: _Flush | None = None
        self._flushes = 0

    async def flush(self) -> None:
        counters = self._registry.snapshot()["counters"]
        if self._pending is not None:
            await self._settle(self._pending, sent_before=True)
        delta = {key: total - self._sent.get(key, 0.0) for key, total in counters.items()}
        delta = {key: amount for key, amount in delta.items() if amount}
        if delta:
            self._flushes += 1
            self._pending = _Flush(str(self._flushes), delta, counters)
            await self._settle(self._pending)

    async def _settle(self, flush: _Flush, *, sent_before: bool = False) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self._mark)  # an earlier transaction of ours that is still on its way makes EXEC fail
            if not sent_before or await pipe.get(self._mark) not in (flush.id, flush.id.encode()):
                pipe.multi()  # type: ignore[no-untyped-call]
                for key, amount in flush.delta.items():
                    pipe.hincrbyfloat(TOTALS_KEY, key, amount)
                pipe.set(self._mark, flush.id)
                await pipe.execute()
        self._sent = flush.counters
        self._pending = None
