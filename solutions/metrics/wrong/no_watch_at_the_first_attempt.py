"""Only a flush that is sent again watches the mark: the first attempt cannot have been applied before.

Incident: The reply to the first EXEC was lost. The client, which retries by itself, sent the transaction again; the worker
  saw no error, and the fleet counted every job of that minute twice.
Fails: 6
Says: with its retries on
"""


class Flusher:
    async def flush(self) -> None:
        counters = self._registry.snapshot()["counters"]
        if self._pending is not None:
            await self._settle(self._pending)
        delta = {key: total - self._sent.get(key, 0.0) for key, total in counters.items()}
        delta = {key: amount for key, amount in delta.items() if amount}
        if delta:
            self._pending = _Flush(uuid.uuid4().hex, delta, counters)
            async with self._redis.pipeline(transaction=True) as pipe:
                for key, amount in delta.items():
                    pipe.hincrbyfloat(TOTALS_KEY, key, amount)
                pipe.set(self._mark, self._pending.id)
                await pipe.execute()
            self._sent = counters
            self._pending = None
