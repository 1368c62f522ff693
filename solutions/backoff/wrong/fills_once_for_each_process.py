"""A process fills the budget at its first call, and takes a missing key for an empty budget afterwards.

Incident: Redis was restored without its data. The workers that were running refused every retry until the last of them had
  been restarted.
Fails: 6
Says: FLUSHALL
"""


class SharedRetryBudget:
    async def _change(self, tokens: int) -> bool:
        if "_filled" not in self.__dict__:
            await self._redis.set(self._key, self._cap, nx=True)
            self.__dict__["_filled"] = True
        async with self._redis.pipeline(transaction=True) as pipe:
            while True:
                try:
                    await pipe.watch(self._key)
                    left = int(await pipe.get(self._key) or 0) + tokens
                    if not 0 <= left <= self._cap:
                        return False
                    pipe.multi()
                    pipe.set(self._key, left)
                    await pipe.execute()
                except WatchError:
                    continue
                return True
