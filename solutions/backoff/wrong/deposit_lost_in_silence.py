"""An error on a deposit is caught and dropped.

Incident: Redis restarts; what succeeded meanwhile was never paid in, and nothing says so.
Fails: 6
Says: no token in the budget
"""

import redis.exceptions


class SharedRetryBudget:
    async def deposit(self) -> None:
        try:
            if await self._change(1) > self._cap:
                await self._change(-1)
        except redis.exceptions.ConnectionError:
            pass
