"""A TimeoutError that the handler raised itself is taken for the end of the grace period.

Incident: A slow mail server is no failure any more: such jobs are given back at once, and come back, and never reach the dead letters.
Fails: 6
Says: job-2's handler raised a TimeoutError
"""


class _Grace:
    async def run(self, handler: Handler, job: bytes) -> None:
        if self._over:
            raise _CutShort
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._limits.add(limit)
                try:
                    await handler(job)
                finally:
                    self._limits.discard(limit)
        except TimeoutError:
            raise _CutShort from None
