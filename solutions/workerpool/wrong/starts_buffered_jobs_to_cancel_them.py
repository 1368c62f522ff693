"""After the grace period the buffered jobs are still handed to handlers, with no time left.

Incident: Each of these jobs is begun and broken off at its first await, with its first effect done; then it is run again.
Fails: 6
Says: none is started after the grace period
"""


class _Grace:
    async def run(self, handler: Handler, job: bytes) -> None:
        limit = asyncio.timeout(0 if self._over else None)
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
            raise  # the handler's own, a TimeoutError too
