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
