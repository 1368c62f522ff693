"""The deposit reads the counter and, if there is room, adds in a second step.

Incident: Workers that finish together all see room for one: the cap is passed by as many tokens as there are workers.
Fails: 6
Says: at most 4 granted
"""


class SharedRetryBudget:
    async def deposit(self) -> None:
        if await self._change(0) < self._cap:
            await self._change(1)
