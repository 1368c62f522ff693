"""A flush is kept when the connection broke, and forgotten when Redis refused it; the errors meant are Python's own.

Incident: redis.exceptions.ConnectionError is not a ConnectionError. Every broken connection counted as a refusal, and what
  had been applied was sent again under a new id.
Fails: 6
Says: jobs that were never submitted
"""


class Flusher:
    async def flush(self) -> None:
        counters = self._registry.snapshot()["counters"]
        if self._pending is None:
            delta = {key: total - self._sent.get(key, 0.0) for key, total in counters.items()}
            delta = {key: amount for key, amount in delta.items() if amount}
            if not delta:
                return
            self._pending = _Flush(uuid.uuid4().hex, delta, counters)
        try:
            before = self._pending.counters
            await self._settle(self._pending)
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            self._pending = None
            raise
        if before != counters:
            await self.flush()
