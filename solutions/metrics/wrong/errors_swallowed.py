"""flush() catches the failure, returns, and forgets the delta.

Incident: the caller sees success, the worker shuts down, and its last minute of work is in no total.
Fails: 6
Says: , which returned
"""

from redis.exceptions import RedisError


class Flusher:
    async def flush(self) -> None:
        counters = self._registry.snapshot()["counters"]
        if self._pending is not None:
            await self._settle(self._pending)
        delta = {key: total - self._sent.get(key, 0.0) for key, total in counters.items()}
        delta = {key: amount for key, amount in delta.items() if amount}
        if delta:
            self._pending = _Flush(uuid.uuid4().hex, delta, counters)
            try:
                await self._settle(self._pending)
            except RedisError:
                log.warning("flush failed; trying again later")
