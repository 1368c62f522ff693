"""The mark is set by a command of its own after the increments.

Incident: the connection breaks between the two; the increments are in, the mark is not, and the next flush adds them again.
Fails: 6
Says: jobs that were never submitted
"""


class Flusher:
    async def _settle(self, flush: _Flush) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self._mark)  # an earlier transaction of ours that is still on its way makes EXEC fail
            if await pipe.get(self._mark) not in (flush.id, flush.id.encode()):
                pipe.multi()
                for key, amount in flush.delta.items():
                    pipe.hincrbyfloat(TOTALS_KEY, key, amount)
                await pipe.execute()
                await self._redis.set(self._mark, flush.id)
        self._sent = flush.counters
        self._pending = None
