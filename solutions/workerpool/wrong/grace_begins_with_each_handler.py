"""A handler that starts within the grace period gets a grace period of its own.

Incident: The supervisor gave the pool 30 seconds. Jobs that started in second 29 were still running in second 58, and
  were killed.
Fails: 6
Says: grace
"""


class _Grace:
    _began: float | None = None

    async def watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._began = asyncio.get_running_loop().time()
        for limit in self._limits:
            limit.reschedule(self._began + self._grace_s)
        await asyncio.sleep(self._grace_s)
        self._over = True

    async def run(self, handler: Handler, job: bytes) -> None:
        if self._over:
            raise _CutShort
        limit = asyncio.timeout(None if self._began is None else self._grace_s)
        try:
            async with limit:
                self._limits.add(limit)
                try:
                    await handler(job)
                finally:
                    self._limits.discard(limit)
        except Exception:
            if limit.expired():
                raise _CutShort from None
            raise
