"""spend takes first and puts back what was too much; deposit adds first and takes back.

Incident: The client retries by itself. In an outage with a flaky network, each lost reply to the INCRBY that puts back paid for
  a retry that nobody had deposited, and the budget never ran out.
Fails: 6
Says: with its retries on
"""


class SharedRetryBudget:
    async def spend(self) -> bool:
        if await self._change(-self._cost) >= 0:
            return True
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
