"""Admit: make retries ready whose delay is over, as many as their type's allowance can pay for."""

from collections.abc import Sequence

from jobqueue.application.ports.job_store import JobUpkeep
from jobqueue.application.ports.observer import Observer
from jobqueue.domain import defaults
from jobqueue.domain.admission import AdmissionPolicy


class Admitter:
    """Admits retries of the given queues. Several processes may do so; together they spend no more than one would."""

    def __init__(self, store: JobUpkeep, observer: Observer, queues: Sequence[str], policy: AdmissionPolicy) -> None:
        self._store = store
        self._observer = observer
        self._queues = tuple(queues)
        self._policy = policy

    # --8<-- [start:admit]
    async def run_once(self, now: float) -> bool:
        """Admit what can be paid for. The move checks that no other process has spent the allowance in the meantime.

        Returns False: retries that were not admitted now have to wait.
        """
        for queue in self._queues:
            for retries in await self._store.due_retries(queue, now=now):
                due = min(retries.due, defaults.BATCH_LIMIT)
                admitted, allowance = self._policy.admit(retries.allowance, retries.counted, due, now=now)
                if admitted:
                    moved = await self._store.admit_retries(
                        queue, retries, allowance=allowance, now=now, limit=admitted
                    )
                    if moved:
                        self._observer.moved(queue, "admitted", moved)
        return False

    # --8<-- [end:admit]
