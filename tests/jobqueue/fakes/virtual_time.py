"""An event loop whose clock jumps to the next timer, and the `Clock` that follows it: hours cost milliseconds."""

import asyncio
import selectors

IDLE_LIMIT = 200


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer, moves the loop's time on; waits a little, for threads, when there is none."""

    def __init__(self):
        super().__init__()
        self.now_s = 0.0
        self.idle = 0

    def select(self, timeout=None):
        events = super().select(0)
        if events:
            self.idle = 0
            return events
        if timeout is None:
            self.idle += 1
            if self.idle > IDLE_LIMIT:
                raise RuntimeError("deadlock: nothing is scheduled and nothing can wake anybody")
            return super().select(0.01)
        self.idle = 0
        self.now_s += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on virtual time, beginning at 0."""

    def __init__(self):
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9

    def time(self):
        return self._jumping.now_s


class VirtualClock:
    """A `Clock` on the loop's time; tests may set it wrong by `skew_s`."""

    EPOCH = 1_700_000_000.0

    def __init__(self, skew_s=0.0):
        self.skew_s = skew_s

    def now(self):
        return self.EPOCH + asyncio.get_running_loop().time() + self.skew_s

    def ticks(self):
        return asyncio.get_running_loop().time()

    async def sleep(self, delay_s):
        await asyncio.sleep(delay_s)


def run(coroutine):
    """Run a coroutine on a loop of its own, on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)
