"""A lock in Redis guards the purse, and a refusal returns without letting it go.

Incident: The first refusal of an outage is the last answer that any worker gets: all of them poll for the lock from then on.
Fails: 6
Says: without an end
"""


class SharedRetryBudget:
    async def spend(self) -> bool:
        await self._lock()
        stored = await self._redis.get(self._key)
        tokens = self._cap if stored is None else int(stored)
        if tokens < self._cost:
            return False
        await self._redis.set(self._key, tokens - self._cost)
        await self._redis.delete(self._key + ":lock")
        return True

    async def _lock(self) -> None:
        while not await self._redis.set(self._key + ":lock", 1, nx=True):
            await asyncio.sleep(0.01)

    async def deposit(self) -> None:
        await self._lock()
        stored = await self._redis.get(self._key)
        tokens = self._cap if stored is None else int(stored)
        await self._redis.set(self._key, min(self._cap, tokens + 1))
        await self._redis.delete(self._key + ":lock")
