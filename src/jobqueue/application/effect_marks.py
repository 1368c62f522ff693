"""Marks that handlers leave beside their effects: how long they live, and who shortens them.

A mark says that the effect of a job has been committed. It has to live as long as the job can come again, and that ends
with the acknowledgement. The helper that commits an effect leaves the mark here; the worker shortens it once the store
has the acknowledgement. If the worker dies in between, the mark keeps its long life, which costs memory only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import NamedTuple

from jobqueue.application.ports.job_store import Receipt
from jobqueue.application.ports.observer import Observer
from jobqueue.domain import defaults
from jobqueue.domain.job import Job

Shorten = Callable[[Sequence[str], float], Awaitable[None]]
"""Lets the named marks end after so many seconds."""


class Mark(NamedTuple):
    """The name of a mark, and what shortens it and others like it in one request."""

    name: str
    shorten: Shorten


class AttemptMarks:
    """The marks that the attempts of one slot leave, one attempt at a time.

    Args:
        keep_s: Seconds for which a mark is to live unless it is shortened.
    """

    def __init__(self, keep_s: float) -> None:
        self.keep_s = keep_s
        self.left: list[tuple[Job, Mark]] = []

    def take(self, job: Job) -> list[Mark]:
        """Return the marks of this job, and forget those of others: their attempts were not acknowledged."""
        left, self.left = self.left, []
        return [mark for owner, mark in left if owner is job]


_attempt: ContextVar[AttemptMarks | None] = ContextVar("jobqueue_marks", default=None)


def enter(marks: AttemptMarks) -> None:
    """Let helpers that are called in this task find these marks."""
    _attempt.set(marks)


def keep_s() -> float:
    """Return for how many seconds a mark made now is to live; outside of a worker, by the defaults."""
    marks = _attempt.get()
    return marks.keep_s if marks else defaults.DEAD_FOR_S + defaults.WAITING_FOR_S


def leave(job: Job, mark: Mark) -> None:
    """Have the mark shortened once the job is acknowledged; outside of a worker, nothing does."""
    marks = _attempt.get()
    if marks is not None:
        marks.left.append((job, mark))


class Shortener:
    """Shortens the marks of one queue's acknowledged jobs in the background, one request for each batch.

    Args:
        observer: Hears of a request that failed; its marks keep their long life.
        queue: Name of the queue.
        key_for_s: Seconds that a mark lives on after the acknowledgement.
    """

    def __init__(self, observer: Observer, queue: str, key_for_s: float) -> None:
        self._observer = observer
        self._queue = queue
        self._key_for_s = key_for_s
        self._waiting: dict[str, list[Mark]] = {}
        self._due: list[Mark] = []
        self._task: asyncio.Task[None] | None = None

    def acknowledge(self, job_id: str, marks: list[Mark]) -> None:
        """Keep the marks of a job whose acknowledgement is on its way."""
        self._waiting[job_id] = marks

    def acknowledged(self, receipts: Sequence[Receipt], refused: Sequence[str]) -> None:
        """Shorten the marks of these jobs, but not of those whose acknowledgement was refused."""
        if not self._waiting:
            return
        for receipt in receipts:
            marks = self._waiting.pop(receipt.id, ())
            if receipt.id not in refused:
                self._due.extend(marks)
        if self._due and self._task is None:
            self._task = asyncio.create_task(self._shorten())

    async def _shorten(self) -> None:
        while self._due:
            due, self._due = self._due, []
            by_way: dict[Shorten, list[str]] = {}
            for mark in due:
                by_way.setdefault(mark.shorten, []).append(mark.name)
            for shorten, names in by_way.items():
                try:
                    await shorten(names, self._key_for_s)
                except Exception as error:  # noqa: BLE001 - the marks live on, and the worker with them
                    self._observer.failed(f"marks of {self._queue}", error)
        self._task = None

    async def close(self) -> None:
        """Return when what is under way has ended."""
        if self._task is not None:
            await asyncio.wait([self._task])
