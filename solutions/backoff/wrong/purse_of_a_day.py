"""The purse's key lives for a day, so that old purses clean themselves up.

Incident: A budget that was spent late on one day is full again a day later, in the same outage.
Fails: 6
Says: time to live
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
                    pipe.set(self._key, left, ex=86_400)
                    await pipe.execute()
                except WatchError:
                    continue
                return True
