"""A deposit that finds too much writes the cap back, over whatever was spent in between.

Incident: Under load each success wipes out the retries that others have just paid for, and the budget never runs out.
Fails: 6
Says: the cap and one deposit
"""


class SharedRetryBudget:
    async def deposit(self) -> None:
        if await self._change(1) > self._cap:
            await self._redis.set(self._key, self._cap)
