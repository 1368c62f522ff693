"""A purse that went below zero is set to zero instead of being given back what was taken.

Incident: Each refusal throws away the tokens that were left, and successes have to earn them once more.
Fails: 6
Says: spend(), spend(), deposit(), spend()
"""


class SharedRetryBudget:
    async def spend(self) -> bool:
        if await self._change(-self._cost) >= 0:
            return True
        await self._redis.set(self._key, 0)
        return False

    async def deposit(self) -> None:
        if await self._change(1) > self._cap:
            await self._change(-1)

    async def _change(self, tokens: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key, self._cap, nx=True)
            pipe.incrby(self._key, tokens)
            _, left = await pipe.execute()
        return int(left)
