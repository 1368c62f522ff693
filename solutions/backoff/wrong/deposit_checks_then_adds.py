"""The deposit reads the counter and, if there is room, adds in a second step.

Incident: Workers that finish together all see room for one: the cap is passed by as many tokens as there are workers.
Fails: 6
Says: at most 4 granted
"""


class SharedRetryBudget:
    async def spend(self) -> bool:
        if await self._change(-self._cost) >= 0:
            return True
        await self._change(self._cost)
        return False

    async def deposit(self) -> None:
        if await self._change(0) < self._cap:
            await self._change(1)

    async def _change(self, tokens: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key, self._cap, nx=True)
            pipe.incrby(self._key, tokens)
            _, left = await pipe.execute()
        return int(left)
