"""Admit: move retries whose delay is over to ready, as far as their type's allowance pays for them."""

from collections.abc import Sequence

from jobqueue.application.ports.job_store import JobUpkeep
from jobqueue.application.ports.observer import Observer
from jobqueue.domain import defaults
from jobqueue.domain.admission import AdmissionPolicy


class Admitter:
    """Admits in the given queues; any number of processes may do it, and together they spend no more than one."""

    def __init__(self, store: JobUpkeep, observer: Observer, queues: Sequence[str], policy: AdmissionPolicy) -> None:
        self._store = store
        self._observer = observer
        self._queues = tuple(queues)
        self._policy = policy

    # --8<-- [start:admit]
    async def run_once(self, now: float) -> bool:
        """Look, decide, move: the move checks that no other process has spent the allowance meanwhile.

        Returns False: what was not admitted now has to wait.
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
