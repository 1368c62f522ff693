"""The port for events to count, log and trace. The application reports them and knows no exporter."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from jobqueue.domain.job import Job


class Outcome(StrEnum):
    """How an attempt ended; the value is the `status` label of `jobs_processed_total`."""

    DONE = "done"  # the handler returned
    RETRIED = "retried"  # transient failure, scheduled again
    DEAD = "dead"  # permanent failure, or attempts used up
    GIVEN_BACK = "given_back"  # not finished when the grace period of a drain ended
    LOST = "lost"  # the lease was lost while it ran; the worker that holds it now reports it


# --8<-- [start:observer]
class Observer(Protocol):
    """Receives events. It is called on the hot path, from the event loop, so it must never block and never raise."""

    def carrier(self) -> Mapping[str, str]:
        """Return the text pairs that a job submitted now takes along (trace context); empty without tracing."""
        ...

    def submitted(self, queue: str, stored: int, duplicates: int) -> None:
        """Hear that a batch of jobs was stored, and how many of it were there before."""
        ...

    def claimed(self, queue: str, count: int) -> None:
        """Hear that a worker claimed that many jobs."""
        ...

    def attempt_started(self, job: Job) -> object:
        """Hear that an attempt starts, in the task that runs the handler; what is returned comes back at its end."""
        ...

    def attempt_ended(
        self, job: Job, started: object, outcome: Outcome, elapsed_s: float, error: BaseException | None
    ) -> None:
        """Hear that the attempt ended, in the same task.

        Args:
            job: As it was taken.
            started: What `attempt_started` returned.
            outcome: What happens to the job.
            elapsed_s: Duration of the handler, in seconds.
            error: Why it failed; None when done.
        """
        ...

    def leases_lost(self, queue: str, job_ids: Sequence[str]) -> None:
        """Hear that the leases of these jobs are lost: another worker may have them."""
        ...

    def moved(self, queue: str, move: str, count: int) -> None:
        """Hear that a loop moved jobs; move is promoted, admitted, reaped, buried, trimmed or redriven."""
        ...

    def failed(self, where: str, error: BaseException) -> None:
        """Hear that a loop's pass failed; it goes on after a delay."""
        ...


# --8<-- [end:observer]
