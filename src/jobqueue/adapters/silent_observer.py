"""An observer that ignores everything: a base class for observers of a few events, and a default in tests."""

from collections.abc import Mapping, Sequence

from jobqueue.application.ports.observer import Outcome
from jobqueue.domain.job import Job


class SilentObserver:
    """An observer that ignores everything."""

    def carrier(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def submitted(self, queue: str, stored: int, duplicates: int) -> None:
        """Ignore."""

    def claimed(self, queue: str, count: int) -> None:
        """Ignore."""

    def attempt_started(self, job: Job) -> object:  # noqa: ARG002
        """Ignore."""
        return None

    def attempt_ended(
        self, job: Job, started: object, outcome: Outcome, elapsed_s: float, error: BaseException | None
    ) -> None:
        """Ignore."""

    def leases_lost(self, queue: str, job_ids: Sequence[str]) -> None:
        """Ignore."""

    def moved(self, queue: str, move: str, count: int) -> None:
        """Ignore."""

    def failed(self, where: str, error: BaseException) -> None:
        """Ignore."""
