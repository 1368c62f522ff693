"""The mark is read first, and the transaction watches nothing.

Incident: A packet with a whole transaction was held up in a switch. The worker read the mark, sent the flush again, and
  both transactions were applied.
Fails: 6
Says: jobs that were never submitted
"""


class Flusher:
    async def _settle(self, flush: _Flush) -> None:
        if await self._redis.get(self._mark) not in (flush.id, flush.id.encode()):
            async with self._redis.pipeline(transaction=True) as pipe:
                for key, amount in flush.delta.items():
                    pipe.hincrbyfloat(TOTALS_KEY, key, amount)
                pipe.set(self._mark, flush.id)
                await pipe.execute()
        self._sent = flush.counters
        self._pending = None
