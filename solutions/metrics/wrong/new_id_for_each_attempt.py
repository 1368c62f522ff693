"""A flush that failed is sent again under a new id, which no mark can show.

Incident: the mark is there, the check is there, and after each lost reply the delta is applied twice all the same.
Fails: 6
Says: jobs that were never submitted
"""


class Flusher:
    async def flush(self) -> None:
        counters = self._registry.snapshot()["counters"]
        if self._pending is not None:
            again = self._pending
            await self._settle(_Flush(uuid.uuid4().hex, again.delta, again.counters))
        delta = {key: total - self._sent.get(key, 0.0) for key, total in counters.items()}
        delta = {key: amount for key, amount in delta.items() if amount}
        if delta:
            self._pending = _Flush(uuid.uuid4().hex, delta, counters)
            await self._settle(self._pending)
