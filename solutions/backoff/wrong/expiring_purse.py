"""The key of the shared budget expires, and with it what was spent.

Incident: In an outage of an hour the fleet gets a new budget every ten minutes.
Fails: 6
Says: 50 minutes later
"""


class SharedRetryBudget:
    async def _change(self, tokens: int) -> bool:
        async with self._redis.pipeline(transaction=True) as pipe:
            while True:
                try:
                    await pipe.watch(self._key)
                    stored = await pipe.get(self._key)
                    left = (self._cap if stored is None else int(stored)) + tokens
                    if not 0 <= left <= self._cap:
                        return False
                    pipe.multi()
                    pipe.set(self._key, left, ex=600)
                    await pipe.execute()
                except WatchError:
                    continue
                return True
