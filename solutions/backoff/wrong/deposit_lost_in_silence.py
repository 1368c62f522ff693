"""An error on a deposit is caught and dropped.

Incident: Redis restarts; what succeeded meanwhile was never paid in, and nothing says so.
Fails: 6
Says: no token in the budget
"""

import redis.exceptions


class SharedRetryBudget:
    async def spend(self) -> bool:
        if await self._change(-self._cost) >= 0:
            return True
        await self._change(self._cost)
        return False

    async def deposit(self) -> None:
        try:
            if await self._change(1) > self._cap:
                await self._change(-1)
        except redis.exceptions.ConnectionError:
            pass

    async def _change(self, tokens: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key, self._cap, nx=True)
            pipe.incrby(self._key, tokens)
            _, left = await pipe.execute()
        return int(left)
