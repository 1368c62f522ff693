"""A budget that cannot be reached grants the retry.

Incident: Redis goes away in the same outage as the dependency, and every worker retries without any limit.
Fails: 6
Says: gives way exactly when the network does
"""

import redis.exceptions


class SharedRetryBudget:
    async def spend(self) -> bool:
        try:
            if await self._change(-self._cost) >= 0:
                return True
            await self._change(self._cost)
        except (OSError, redis.exceptions.RedisError):
            return True
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
