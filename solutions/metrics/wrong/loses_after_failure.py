"""The delta counts as sent before Redis has answered.

Incident: Redis restarts for ten seconds; whatever was counted in between is in no total, and nothing says so.
Fails: 6
Says: work that was done is in no total
"""


class Flusher:
    async def flush(self) -> None:
        counters = self._registry.snapshot()["counters"]
        if self._pending is not None:
            await self._settle(self._pending)
        delta = {key: total - self._sent.get(key, 0.0) for key, total in counters.items()}
        delta = {key: amount for key, amount in delta.items() if amount}
        if delta:
            flush = _Flush(uuid.uuid4().hex, delta, counters)
            self._sent = counters
            await self._settle(flush)
