"""Only a TimeoutError tells that a handler was cut short.

Incident: Handlers whose cleanup fails, because their own connections are being closed too, cost their jobs an attempt at each deploy.
Fails: 6
Says: raise OSError when they are cancelled
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
            if limit.expired():
                raise _CutShort from None
            raise  # the handler's own, a TimeoutError too
