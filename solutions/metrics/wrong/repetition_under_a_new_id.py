"""A delta that is sent again gets a new id, and the old one is what is looked for.

Incident: The first flush of a minute does not arrive, the second one's answer is lost, and the third adds the delta again.
Fails: 6
Says: did not arrive
"""


class Flusher:
    async def flush(self) -> None:
        counters = self._registry.snapshot()["counters"]
        if self._pending is not None:
            await self._settle(self._pending, sent_before=True)
        delta = {key: total - self._sent.get(key, 0.0) for key, total in counters.items()}
        delta = {key: amount for key, amount in delta.items() if amount}
        if delta:
            self._pending = _Flush(uuid.uuid4().hex, delta, counters)
            await self._settle(self._pending)

    async def _settle(self, flush: _Flush, *, sent_before: bool = False) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self._mark)  # an earlier transaction of ours that is still on its way makes EXEC fail
            if await pipe.get(self._mark) not in (flush.id, flush.id.encode()):
                pipe.multi()  # type: ignore[no-untyped-call]
                for key, amount in flush.delta.items():
                    pipe.hincrbyfloat(TOTALS_KEY, key, amount)
                pipe.set(self._mark, uuid.uuid4().hex if sent_before else flush.id)
                await pipe.execute()
        self._sent = flush.counters
        self._pending = None
