"""A lock of the module guards reading the purse and writing it.

Incident: It holds in the tests of one process; in production there are a hundred, and each overwrites what the others spent.
Fails: 6
Says: at the same time
"""

_LOCK = asyncio.Lock()


class SharedRetryBudget:
    async def spend(self) -> bool:
        async with _LOCK:
            tokens = await self._left()
            if tokens < self._cost:
                return False
            await self._redis.set(self._key, tokens - self._cost)
            return True

    async def deposit(self) -> None:
        async with _LOCK:
            await self._redis.set(self._key, min(self._cap, await self._left() + 1))

    async def _left(self) -> int:
        stored = await self._redis.get(self._key)
        return self._cap if stored is None else int(stored)
