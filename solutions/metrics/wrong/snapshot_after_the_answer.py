"""What counts as sent is read again after the answer.

Incident: whatever is counted while the flush is on its way is taken for sent; the loss grows with the latency.
Fails: 6
Says: between the snapshot and the reply
"""


class Flusher:
    async def _settle(self, flush: _Flush) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self._mark)  # an earlier transaction of ours that is still on its way makes EXEC fail
            if await pipe.get(self._mark) not in (flush.id, flush.id.encode()):
                pipe.multi()
                for key, amount in flush.delta.items():
                    pipe.hincrbyfloat(TOTALS_KEY, key, amount)
                pipe.set(self._mark, flush.id)
                await pipe.execute()
        self._sent = self._registry.snapshot()["counters"]
        self._pending = None
