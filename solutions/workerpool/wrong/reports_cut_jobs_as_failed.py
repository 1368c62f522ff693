"""A job that the grace period cuts short is handled like a timeout: on_failure, then FAILED.

Incident: Every deploy costs the jobs of that moment an attempt; a few deploys in a row bury healthy jobs.
Fails: 6
Says: a job cut short has not failed
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
            raise
