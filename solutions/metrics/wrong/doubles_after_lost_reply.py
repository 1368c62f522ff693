"""A flush that failed is sent again without asking whether it was applied.

Incident: a switch drops replies for a minute; every worker repeats what was applied already, and customers are billed twice.
Fails: 6
Says: jobs that were never submitted
"""


class Flusher:
    async def _settle(self, flush: _Flush) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            for key, amount in flush.delta.items():
                pipe.hincrbyfloat(TOTALS_KEY, key, amount)
            pipe.set(self._mark, flush.id)
            await pipe.execute()
        self._sent = flush.counters
        self._pending = None
