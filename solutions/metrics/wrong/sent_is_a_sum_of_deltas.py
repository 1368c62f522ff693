"""What was sent is the sum of the deltas and not the snapshot that was sent.

Incident: 0.2 + (0.7 - 0.2) is not 0.7 in floats. Idle workers went on sending deltas like 1e-16, each with a new mark.
Fails: 6
Says: with nothing new
"""


class Flusher:
    async def _settle(self, flush: _Flush) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self._mark)
            if await pipe.get(self._mark) not in (flush.id, flush.id.encode()):
                pipe.multi()  # type: ignore[no-untyped-call]
                for key, amount in flush.delta.items():
                    pipe.hincrbyfloat(TOTALS_KEY, key, amount)
                pipe.set(self._mark, flush.id)
                await pipe.execute()
        self._sent = {key: self._sent.get(key, 0.0) + flush.delta.get(key, 0.0) for key in flush.counters}
        self._pending = None
