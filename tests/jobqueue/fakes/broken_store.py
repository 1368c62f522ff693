"""A store that can be told to fail: the calls in between go to the real one."""

import asyncio

from jobqueue.domain.errors import StoreUnavailable


class BrokenStore:
    """Raises `StoreUnavailable` from the named methods, as often as it is told; "*" names all.

    With `after=True` the move happens first and only its answer is lost. A method that hangs never answers.
    """

    def __init__(self, store):
        self._store = store
        self._faults = {}
        self.calls = []

    def breaks(self, method, times=1, *, after=False):
        self._faults[method] = [times, after]

    def hangs(self, method, times=1):
        self._faults[method] = [times, "hang"]

    def repair(self):
        self._faults.clear()

    def __getattr__(self, name):
        method = getattr(self._store, name)
        if name.startswith("_") or not callable(method) or name == "queue":
            return method

        async def call(*args, **kwargs):
            self.calls.append(name)
            fault = self._faults.get(name) or self._faults.get("*")
            if fault and fault[0] > 0:
                fault[0] -= 1
                if fault[1] == "hang":
                    await asyncio.get_running_loop().create_future()
                if fault[1]:
                    await method(*args, **kwargs)
                raise StoreUnavailable(f"{name} was told to fail")
            return await method(*args, **kwargs)

        return call
