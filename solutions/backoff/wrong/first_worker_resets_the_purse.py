"""A missing key is filled with a plain SET, which a second worker repeats.

Incident: Each worker that starts up in the outage hands the whole fleet a full budget again.
Fails: 6
Says: granted
"""


class SharedRetryBudget:
    async def spend(self) -> bool:
        if await self._change(-self._cost) >= 0:
            return True
        await self._change(self._cost)
        return False

    async def deposit(self) -> None:
        if await self._change(1) > self._cap:
            await self._change(-1)

    async def _change(self, tokens: int) -> int:
        if not await self._redis.exists(self._key):
            await self._redis.set(self._key, self._cap)
        return int(await self._redis.incrby(self._key, tokens))
