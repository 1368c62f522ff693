"""flush() sends the totals each time, not what has come since.

Incident: the fleet has done a hundred times the work after a hundred flushes, and somebody orders hardware.
Fails: 6
Says: never submitted
"""


class Flusher:
    async def flush(self) -> None:
        counters = self._registry.snapshot()["counters"]
        if self._pending is not None:
            await self._settle(self._pending)
        delta = {key: total for key, total in counters.items()}
        delta = {key: amount for key, amount in delta.items() if amount}
        if delta:
            self._pending = _Flush(uuid.uuid4().hex, delta, counters)
            await self._settle(self._pending)
