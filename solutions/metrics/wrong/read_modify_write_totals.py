"""Totals are read, added to in Python, and written back.

Incident: two workers flush at the same moment, and the slower one overwrites what the faster one had added.
Fails: 6
Says: overwrites what another one has added
"""


class Flusher:
    async def _settle(self, flush: _Flush) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self._mark)  # an earlier transaction of ours that is still on its way makes EXEC fail
            if await pipe.get(self._mark) not in (flush.id, flush.id.encode()):
                totals = {key: float(await pipe.hget(TOTALS_KEY, key) or 0) for key in flush.delta}
                pipe.multi()
                for key, amount in flush.delta.items():
                    pipe.hset(TOTALS_KEY, key, totals[key] + amount)
                pipe.set(self._mark, flush.id)
                await pipe.execute()
        self._sent = flush.counters
        self._pending = None
