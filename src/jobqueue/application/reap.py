"""Reap: find jobs whose leases have lapsed, and let the domain decide what happens to them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from jobqueue.application.ports.job_store import JobLeases, JobUpkeep, Receipt
from jobqueue.application.ports.observer import Observer
from jobqueue.domain import defaults
from jobqueue.domain.retry import RetryPolicy
from jobqueue.domain.verdict import Bury, Verdict, after_lapse, unreadable_job

LIMIT = 200


class ReaperStore(JobLeases, JobUpkeep, Protocol):
    """What the reaper needs of a store."""


class Reaper:
    """Reaps in the given queues. Several processes may do it at the same time; only one of them gets each job.

    Args:
        store: Where the jobs are.
        observer: Hears of what was moved.
        queues: Names of the queues.
        policy_for: Returns the retry policy of a job type.
        slack_s: Seconds to wait after a lease has ended, because two machines' clocks differ.
    """

    def __init__(
        self,
        store: ReaperStore,
        observer: Observer,
        queues: Sequence[str],
        policy_for: Callable[[str], RetryPolicy],
        *,
        slack_s: float = defaults.SKEW_SLACK_S,
    ) -> None:
        self._store = store
        self._observer = observer
        self._queues = tuple(queues)
        self._policy_for = policy_for
        self._slack_s = slack_s

    async def run_once(self, now: float) -> bool:
        """Reap one batch of each queue; return whether there may be more."""
        more = False
        for queue in self._queues:
            more = await self._reap(queue, now) or more
        return more

    # --8<-- [start:reap]
    async def _reap(self, queue: str, now: float) -> bool:
        """List, decide, move: three steps, of which only the last changes anything, and it checks again."""
        before = now - self._slack_s
        lapsed = await self._store.lapsed(queue, before=before, limit=LIMIT)
        receipts: list[Receipt] = []
        verdicts: list[Verdict] = []
        for lease in lapsed.leases:
            receipts.append(Receipt(lease.job.id, lease.token))
            verdicts.append(after_lapse(lease, self._policy_for(lease.job.type), now=now))
        for broken in lapsed.unreadable:
            receipts.append(Receipt(broken.id, broken.token))
            verdicts.append(Bury(unreadable_job(broken.id, queue, broken.raw, broken.problem, now)))
        if not receipts:
            return False
        refused = set(await self._store.settle_failed(queue, receipts, verdicts, now=now, lapsed_before=before))
        moved = [verdict for verdict in verdicts if verdict.job.id not in refused]
        buried = sum(isinstance(verdict, Bury) for verdict in moved)
        if moved:
            self._observer.moved(queue, "reaped", len(moved))
        if buried:
            self._observer.moved(queue, "buried", buried)
        return len(receipts) == LIMIT and bool(moved)

    # --8<-- [end:reap]
