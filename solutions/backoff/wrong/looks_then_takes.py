"""The shared budget is read, compared and written back in three steps.

Incident: Eight workers read the same ten tokens and each takes them: the fleet retries eight times as much as the budget says.
Fails: 6
Says: at most 1 granted
"""


class SharedRetryBudget:
    async def spend(self) -> bool:
        stored = await self._redis.get(self._key)
        tokens = self._cap if stored is None else int(stored)
        if tokens < self._cost:
            return False
        await self._redis.set(self._key, tokens - self._cost)
        return True
