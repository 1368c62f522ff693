"""The policy that says how many jobs a worker claims ahead of its slots; it sends no requests itself."""

import math

from jobqueue.domain import defaults

LINGER_S = 0.005


class Prefetch:
    """Decides how many more jobs of a queue to claim, from the pace at which jobs end.

    Args:
        limit: Most jobs to hold beyond those that slots can start right away; at least 0.
        ticks: The present, in seconds of a clock that never goes back.

    Attributes:
        low: At this many waiting jobs the worker asks for more: as many as end during `LINGER_S`, or half of what it
            holds.
        more: Whether the queue may hold more jobs: the last claim got all that it asked for.
    """

    def __init__(self, limit: int, ticks: float) -> None:
        self._limit = limit
        self._measured_at = ticks
        self._pace = 0.0  # jobs that end, a second
        self.low = 0
        self.more = True

    # --8<-- [start:room]
    def room(self, ahead: int, idle_slots: int) -> int:
        """Return how many more jobs to claim now, with `ahead` jobs that wait for a slot already.

        That is what idle slots can start, and beyond that what ends in 10 ms. So a worker with slow jobs takes hardly
        any from its neighbours, and a worker with fast jobs takes up to the limit. The result is at least one, so that
        a busy worker skips no queue. It is 0 while more than half still waits, so that requests are few and full.
        """
        if ahead > self.low:
            return 0
        return min(max(1, idle_slots + 2 * self.low) - ahead, defaults.BATCH_LIMIT)

    def ended(self, count: int, ticks: float) -> None:
        """Update the pace: half of it comes from the jobs that ended since the last call, half from earlier ones."""
        # --8<-- [start:pace]
        pace = count / max(ticks - self._measured_at, 1e-4)
        self._measured_at = ticks
        self._pace = (self._pace + pace) / 2
        self.low = min(math.ceil(self._pace * LINGER_S), self._limit // 2)
        # --8<-- [end:pace]

    # --8<-- [end:room]

    def claimed(self, wanted: int, count: int) -> None:
        """Note that a claim of `wanted` jobs brought so many."""
        self.more = count == wanted
