"""Results of jobs that the store doesn't know yet."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from jobqueue.application.ports.job_store import Receipt
from jobqueue.domain import defaults
from jobqueue.domain.job import Lease
from jobqueue.domain.verdict import Bury, Retry

T = TypeVar("T")


class Outbox:
    """Keeps the results of jobs in the order in which they came, until they are sent.

    Attributes:
        done: To acknowledge.
        failed: To schedule again or to bury.
        unfinished: To give back to the head of ready.
    """

    def __init__(self) -> None:
        self.done: list[Lease] = []
        self.failed: list[tuple[Receipt, Retry | Bury]] = []
        self.unfinished: list[Lease] = []

    def __bool__(self) -> bool:
        """Say whether anything waits to be sent."""
        return bool(self.done or self.failed or self.unfinished)

    @contextmanager
    def acknowledging(self) -> Iterator[tuple[list[Receipt], Counter[str]]]:
        """Like `batch`, for done jobs: take out their receipts, and count them by job type."""
        with self.batch(self.done) as done:
            yield [Receipt(lease.job.id, lease.token) for lease in done], Counter([lease.job.type for lease in done])

    @contextmanager
    def batch(self, results: list[T]) -> Iterator[list[T]]:
        """Take out the first results, as many as one script may move; put them back if sending them fails."""
        batch = results[: defaults.BATCH_LIMIT]
        del results[: defaults.BATCH_LIMIT]
        try:
            yield batch
        except Exception:
            results[:0] = batch
            raise
