"""The counter is lowered first, and a refusal does not put back what it took.

Incident: Every refusal in an outage digs the hole deeper; after it, successes pay off the debt for an hour before the first retry.
Fails: 6
Says: and a retry costs
"""


class SharedRetryBudget:
    async def spend(self) -> bool:
        if await self._change(-self._cost) >= 0:
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
