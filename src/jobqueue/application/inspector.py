"""What a person does with single jobs: look, cancel one that isn't running yet, list the dead ones, re-drive them."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import NamedTuple, Self

from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.job_store import DeadJob, JobArchive
from jobqueue.application.ports.observer import Observer
from jobqueue.domain.errors import InvalidJob, JobCancelled, JobNotFound, WrongState
from jobqueue.domain.job import JobState, JobView, QueueStats
from jobqueue.domain.verdict import noted, redriven

PAGE = 200
PAGE_LIMIT = 1000
SCAN_LIMIT = 10_000
CANCEL_TRIES = 10


class DeadSelection(NamedTuple):
    """Which dead jobs are meant.

    Attributes:
        ids: Only these; None for any.
        error_type: Only jobs whose last failure contains an error of this type, by its full name or the name's last
            part.
    """

    ids: Collection[str] | None = None
    error_type: str = ""

    @classmethod
    def exactly_one(cls, ids: Collection[str], error_type: str, *, everything: bool) -> Self:
        """Return the selection of a request that must name jobs in one of three ways.

        Raises:
            InvalidJob: It names none of them, or several.
        """
        ways = sum([bool(ids), bool(error_type), everything])
        if ways != 1:
            raise InvalidJob(f"say which jobs: exactly one of ids, error_type and all, got {ways} of them")
        return cls(frozenset(ids) if ids else None, error_type)

    def covers(self, dead: DeadJob) -> bool:
        """Say whether the selection includes a dead job."""
        if self.ids is not None and dead.job.id not in self.ids:
            return False
        if not self.error_type:
            return True
        causes = dead.job.failures[-1].causes if dead.job.failures else ()
        return any(self.error_type in {cause.type, cause.type.rpartition(".")[2]} for cause in causes)


class DeadPage(NamedTuple):
    """Some dead jobs, those that died first at the front, and the rank where the next page begins, if there is one."""

    jobs: Sequence[DeadJob]
    next_rank: int | None


class Inspector:
    """Looks into the store and moves single jobs on a person's behalf."""

    def __init__(self, store: JobArchive, clock: Clock, observer: Observer) -> None:
        self._store = store
        self._clock = clock
        self._observer = observer

    async def get(self, queue: str, job_id: str) -> JobView:
        """Return a job and where it is.

        Raises:
            JobNotFound: The queue has no such job.
        """
        view = await self._store.find(queue, job_id)
        if view is None:
            raise JobNotFound(f"queue {queue!r} has no job {job_id!r}; done jobs are removed after their retention")
        return view

    # --8<-- [start:cancel]
    async def cancel(self, queue: str, job_id: str, reason: str = "cancelled") -> JobView:
        """Make a scheduled or ready job dead with this reason, and return the dead job.

        Raises:
            JobNotFound: The queue has no such job.
            WrongState: It is running, done or dead already; or it changed each time between reading and moving it.
        """
        for _ in range(CANCEL_TRIES):
            seen = await self.get(queue, job_id)
            if seen.state not in {JobState.SCHEDULED, JobState.READY}:
                raise WrongState(f"job {job_id} is {seen.state}; only a scheduled or ready job can be cancelled")
            now = self._clock.now()
            job = noted(seen.job, JobCancelled(reason), now)
            if await self._store.cancel(queue, seen, job, now=now):
                return JobView(job, JobState.DEAD, now)
        raise WrongState(f"job {job_id} changed {CANCEL_TRIES} times while it was to be cancelled; try again")

    # --8<-- [end:cancel]

    async def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        """Count the jobs of each queue by state."""
        now = self._clock.now()
        return [await self._store.stats(queue, now=now) for queue in queues]

    async def dead(
        self,
        queue: str,
        selection: DeadSelection,
        *,
        start: int = 0,
        size: int = PAGE,
        fits: Callable[[DeadJob], bool] = lambda _: True,
    ) -> DeadPage:
        """Return a page of the selected dead jobs.

        Args:
            queue: Name of the queue.
            selection: Which dead jobs.
            start: Rank of the first job to look at, from 0; longest dead first.
            size: Most jobs of a page, from 1 to `PAGE_LIMIT`. A page may be shorter, even empty: a call looks at no
                more than `SCAN_LIMIT` dead jobs.
            fits: Called once for each selected job, in order; the page ends before the first that doesn't fit.

        Raises:
            InvalidJob: The size is out of bounds.
        """
        if not 1 <= size <= PAGE_LIMIT:
            raise InvalidJob(f"page_size must be from 1 to {PAGE_LIMIT}, got {size}")
        jobs: list[DeadJob] = []
        rank = start
        while rank - start < SCAN_LIMIT:
            page = await self._store.dead(queue, start=rank, limit=size)
            for dead in page:
                if selection.covers(dead):
                    if len(jobs) == size or not fits(dead):
                        return DeadPage(jobs, rank)
                    jobs.append(dead)
                rank += 1
            if len(page) < size:
                return DeadPage(jobs, None)
        return DeadPage(jobs, rank)

    # --8<-- [start:redrive]
    async def redrive(self, queue: str, selection: DeadSelection, *, dry_run: bool = False) -> AsyncIterator[DeadJob]:
        """Make dead jobs ready, or change nothing with `dry_run`; yield each job as it was while dead.

        Attempts begin at 1 again. The job keeps its failures, and the re-drive is noted in it. Jobs that died after the
        call began are left alone, so a job that dies again in the meantime isn't re-driven twice.
        """
        began_at = self._clock.now()
        start = 0
        while page := await self._store.dead(queue, start=start, limit=PAGE):
            chosen = [dead for dead in page if dead.died_at <= began_at and selection.covers(dead)]
            moved = [True] * len(chosen)
            if chosen and not dry_run:
                now = self._clock.now()
                jobs = [redriven(dead.job, died_at=dead.died_at, now=now) for dead in chosen]
                moved = await self._store.redrive(queue, jobs, now=now)
                self._observer.moved(queue, "redriven", sum(moved))
            start += len(page) - (0 if dry_run else sum(moved))
            for dead, was_moved in zip(chosen, moved, strict=True):
                if was_moved:
                    yield dead
            if page[-1].died_at > began_at:
                return

    # --8<-- [end:redrive]
