"""The mark that a proof bears: read from the record of the last run and from what is there now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.content.test_names import missing_test
from journal.proofs.freshness import against, digest
from journal.proofs.mutations import mutated_files
from journal.proofs.record import FAILED, SKIPPED, Run, read_record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOT_RUN, STALE, MISSING = "not run here", "stale", "missing"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known of a proof.

    Attributes:
        state: passed, failed, skipped, stale (test or subject changed since), not run here, or missing (no such test).
        run: the run that says so, None where there is none.
        against: what the test runs against, also when it was not run here.
    """

    state: str
    run: Run | None
    against: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """One line: the state, and when, at which commit and against what it was seen."""
        ran = ", ".join(self.against)
        if self.run is None:
            return f"{self.state}; runs against: {ran}" if ran else self.state
        dirty = " with uncommitted changes" if self.run.dirty else ""
        commit = f" at {self.run.commit}{dirty}" if self.run.commit else ""
        was = f", {self.run.outcome} before it changed," if self.state == STALE else ""
        return f"{self.state}{was} on {self.run.at[:10]}{commit}, against: {ran}"


def marks(root: Path, proofs: Iterable[str]) -> dict[str, Mark]:
    """Return the mark of each test of `proofs`."""
    record = read_record(root)
    return {proof: mark_of(root, proof, record) for proof in proofs}


def mark_of(root: Path, proof: str, record: dict[str, Run] | None = None) -> Mark:
    """Return the mark of one test; `record` is read when it is not given."""
    if missing_test(root, proof):
        return Mark(MISSING, None)
    name = proof.partition("[")[0]
    run = (read_record(root) if record is None else record).get(name)
    if run is None:
        return Mark(NOT_RUN, None, against(root, name))
    # A failure or a skip stays what it is until the test is run again: "stale" must not hide it.
    if run.outcome not in {FAILED, SKIPPED} and run.digest != digest(root, name, mutated_files(root, name)):
        return Mark(STALE, run, run.against)
    return Mark(run.outcome, run, run.against)
