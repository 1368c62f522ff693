"""Nothing stored is taken for an empty purse, not for a full one, when the first call is a deposit.

Incident: After a restart of Redis the fleet has one retry to share, and every hiccup reaches the customer.
Fails: 6
Says: and a retry costs
"""


class SharedRetryBudget:
    async def deposit(self) -> None:
        if await self._redis.incr(self._key) > self._cap:
            await self._redis.decr(self._key)
