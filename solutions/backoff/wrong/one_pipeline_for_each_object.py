"""The shared budget makes its pipeline once and keeps it.

Incident: A worker ran twenty calls of retry at the same time. The second one's WATCH came in the middle of the first one's
  transaction, and both got an error that had nothing to do with the dependency.
Fails: 6
Says: tasks of one worker
"""


class SharedRetryBudget:
    async def _change(self, tokens: int) -> bool:
        if "_pipe" not in self.__dict__:
            self.__dict__["_pipe"] = self._redis.pipeline(transaction=True)
        pipe = self.__dict__["_pipe"]
        try:
            while True:
                try:
                    await pipe.watch(self._key)
                    stored = await pipe.get(self._key)
                    left = (self._cap if stored is None else int(stored)) + tokens
                    if not 0 <= left <= self._cap:
                        return False
                    pipe.multi()
                    pipe.set(self._key, left)
                    await pipe.execute()
                except WatchError:
                    continue
                return True
        finally:
            await pipe.reset()
