"""A deposit that finds too much writes the cap back, over whatever was spent in between.

Incident: Under load each success wipes out the retries that others have just paid for, and the budget never runs out.
Fails: 6
Says: the cap and one deposit
"""


class SharedRetryBudget:
    async def spend(self) -> bool:
        if await self._change(-self._cost) >= 0:
            return True
        await self._change(self._cost)
        return False

    async def deposit(self) -> None:
        if await self._change(1) > self._cap:
            await self._redis.set(self._key, self._cap)

    async def _change(self, tokens: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key, self._cap, nx=True)
            pipe.incrby(self._key, tokens)
            _, left = await pipe.execute()
        return int(left)
