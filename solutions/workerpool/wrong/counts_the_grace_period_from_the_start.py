"""The grace period is counted from the start of the pool, not from stop.

Incident: After a minute of uptime the grace period is long over: every deploy breaks off every job at once.
Fails: 6
Says: grace_s=0.8), stop after 0.5 s
"""


class _Grace:
    async def watch(self, stop: asyncio.Event) -> None:
        await asyncio.sleep(self._grace_s)
        await stop.wait()
        self._over = True
        for limit in self._limits:
            limit.reschedule(asyncio.get_running_loop().time())
