"""Promote: move jobs that are due from scheduled to ready. Several processes may do it at the same time."""

from collections.abc import Sequence

from jobqueue.application.ports.job_store import JobUpkeep
from jobqueue.application.ports.observer import Observer
from jobqueue.domain import defaults


class Promoter:
    """Promotes in the given queues."""

    def __init__(self, store: JobUpkeep, observer: Observer, queues: Sequence[str]) -> None:
        self._store = store
        self._observer = observer
        self._queues = tuple(queues)

    async def run_once(self, now: float) -> bool:
        """Promote one batch of each queue; return whether there may be more."""
        more = False
        for queue in self._queues:
            moved = await self._store.promote(queue, now=now, limit=defaults.BATCH_LIMIT)
            if moved:
                self._observer.moved(queue, "promoted", moved)
            more = more or moved == defaults.BATCH_LIMIT
        return more
