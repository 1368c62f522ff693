"""Trim: remove done and dead jobs beyond their retention, the oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobqueue.application.ports.job_store import JobUpkeep
from jobqueue.application.ports.observer import Observer
from jobqueue.domain import defaults


@dataclass(frozen=True, slots=True)
class Retention:
    """How long done and dead jobs are kept: until they are too old (seconds), or too many in their queue."""

    done_for_s: float = defaults.DONE_FOR_S
    done_max: int = defaults.DONE_MAX
    dead_for_s: float = defaults.DEAD_FOR_S
    dead_max: int = defaults.DEAD_MAX


class Trimmer:
    """Trims the given queues."""

    def __init__(self, store: JobUpkeep, observer: Observer, queues: Sequence[str], retention: Retention) -> None:
        self._store = store
        self._observer = observer
        self._queues = tuple(queues)
        self._retention = retention

    async def run_once(self, now: float) -> bool:
        """Remove one batch of each queue; return whether there may be more."""
        keep = self._retention
        more = False
        for queue in self._queues:
            removed = await self._store.trim(
                queue,
                now=now,
                done_for_s=keep.done_for_s,
                done_max=keep.done_max,
                dead_for_s=keep.dead_for_s,
                dead_max=keep.dead_max,
                limit=defaults.BATCH_LIMIT,
            )
            if removed:
                self._observer.moved(queue, "trimmed", removed)
            more = more or removed >= defaults.BATCH_LIMIT
        return more
