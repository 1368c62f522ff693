"""The purse's key lives for a day, so that old purses clean themselves up.

Incident: A budget that was spent late on one day is full again a day later, in the same outage.
Fails: 6
Says: time to live
"""


class SharedRetryBudget:
    async def _change(self, tokens: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key, self._cap, nx=True, ex=86_400)
            pipe.incrby(self._key, tokens)
            _, left = await pipe.execute()
        return int(left)
