"""Cancelled handlers have five seconds to end; then their jobs are given back anyway.

Incident: A handler that was rolling back a big change was still at it when another pool began the same job.
Fails: 6
Says: given back when the handler has ended
"""


class _Grace:
    async def run(self, handler: Handler, job: bytes) -> None:
        if self._over:
            raise _CutShort
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._limits.add(limit)
                running = asyncio.ensure_future(handler(job))
                try:
                    await asyncio.shield(running)
                except asyncio.CancelledError:
                    running.cancel()
                    await asyncio.wait([running], timeout=5)
                    raise
                finally:
                    self._limits.discard(limit)
        except Exception:
            if limit.expired():
                raise _CutShort from None
            raise  # the handler's own, a TimeoutError too
