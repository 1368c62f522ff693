"""The key of the shared budget expires, and with it what was spent.

Incident: In an outage of an hour the fleet gets a new budget every ten minutes.
Fails: 6
Says: 50 minutes later
"""


class SharedRetryBudget:
    async def _change(self, tokens: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key, self._cap, nx=True, ex=600)
            pipe.incrby(self._key, tokens)
            _, left = await pipe.execute()
        return int(left)
