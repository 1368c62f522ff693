"""A budget that cannot be reached refuses, and says nothing.

Incident: Redis is away for a minute; the log says that all retries are used up, and the search goes to the wrong place.
Fails: 6
Says: as if the budget were empty
"""

import redis.exceptions


class SharedRetryBudget:
    async def spend(self) -> bool:
        try:
            if await self._change(-self._cost) >= 0:
                return True
        except redis.exceptions.ConnectionError:
            return False
        await self._change(self._cost)
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
