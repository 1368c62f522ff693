"""Combine several observers into one."""

from collections.abc import Mapping, Sequence

from jobqueue.application.ports.observer import Observer, Outcome
from jobqueue.domain.job import Job


class Observers:
    """Passes each event to its observers in order; ends of attempts in reverse order, like nested scopes."""

    def __init__(self, *observers: Observer) -> None:
        self._all = observers

    def carrier(self) -> Mapping[str, str]:
        """Return all text pairs that the observers add to a job."""
        together: dict[str, str] = {}
        for observer in self._all:
            together.update(observer.carrier())
        return together

    def submitted(self, queue: str, stored: int, duplicates: int) -> None:
        """Tell all."""
        for observer in self._all:
            observer.submitted(queue, stored, duplicates)

    def claimed(self, queue: str, count: int) -> None:
        """Tell all."""
        for observer in self._all:
            observer.claimed(queue, count)

    def attempt_started(self, job: Job) -> object:
        """Tell all, and keep what each returned."""
        return [observer.attempt_started(job) for observer in self._all]

    def attempt_ended(
        self, job: Job, started: object, outcome: Outcome, elapsed_s: float, error: BaseException | None
    ) -> None:
        """Tell all, each with what it returned at the start."""
        assert isinstance(started, list)
        for observer, own in zip(reversed(self._all), reversed(started), strict=True):
            observer.attempt_ended(job, own, outcome, elapsed_s, error)

    def leases_lost(self, queue: str, job_ids: Sequence[str]) -> None:
        """Tell all."""
        for observer in self._all:
            observer.leases_lost(queue, job_ids)

    def moved(self, queue: str, move: str, count: int) -> None:
        """Tell all."""
        for observer in self._all:
            observer.moved(queue, move, count)

    def failed(self, where: str, error: BaseException) -> None:
        """Tell all."""
        for observer in self._all:
            observer.failed(where, error)
