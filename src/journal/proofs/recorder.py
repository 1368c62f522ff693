"""The plugin that keeps what the proofs said: `tests/conftest.py` registers `Recorder`.

With `REDRIVE_PROOFS_LIVE=1` it writes the record while the run goes on, so that a page can show each mark as it turns.

When pytest-xdist spreads the tests over processes, each worker attaches to its reports what only it knows, and the
process that receives the reports takes the digests and writes the record. Workers write nothing.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from journal.proofs.freshness import against, digest
from journal.proofs.mutations import mutated_files
from journal.proofs.named_proofs import named_proofs
from journal.proofs.record import FAILED, PASSED, SKIPPED, Run, add_runs, git_state

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

_WORST_FIRST = (FAILED, SKIPPED, PASSED)
_STORES = {"memory": "memory", "fakeredis": "fake", "fake": "fake", "valkey": "Valkey", "cluster": "Valkey cluster"}
# Writing the record for each of a hundred fast tests would take longer than the tests.
_LIVE_EVERY_S = 1.0


def bare(node_id: str) -> str:
    """Return a pytest id without its parameters."""
    return node_id.partition("[")[0]


class Recorder:
    """The plugin: notes how every test came out and keeps what became of those that are proofs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.outcomes: dict[str, dict[str, str]] = defaultdict(dict)
        self.against: dict[str, list[str]] = {}
        self.expected: dict[str, list[str]] = defaultdict(list)
        self.left_out: set[str] = set()
        self.before: dict[str, str] = {}
        self.state = ("", False)
        self.live = os.environ.get("REDRIVE_PROOFS_LIVE") == "1"
        self.written: set[str] = set()
        self.written_at = 0.0

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Remember tests of which not every parameter runs: their record would say more than was seen."""
        self.left_out |= {bare(item.nodeid) for item in items}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take the digests before anything runs: what is recorded is what was tested."""
        asked = {name for argument in session.config.args if "[" in argument for name in [bare(argument)]}
        self.left_out |= {os.path.relpath(name, self.root) if Path(name).is_absolute() else name for name in asked}
        if not session.config.option.collectonly and not hasattr(session.config, "workerinput"):
            self._expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Take the digests when the first worker has collected: no test runs before all of them have."""
        if not self.expected:
            self._expect(ids)

    def _expect(self, node_ids: Iterable[str]) -> None:
        for node_id in node_ids:
            self.expected[bare(node_id)].append(node_id)
        proofs = set(named_proofs(self.root)) & set(self.expected)
        self.before = {proof: digest(self.root, proof, mutated_files(self.root, proof)) for proof in proofs}
        self.state = git_state(self.root) if self.before else ("", False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach what the item knows: the report may be read in another process, which has no items."""
        report = yield
        vars(report).update(against=_marked(item), in_part=bare(item.nodeid) in self.left_out)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst of set-up, call and tear-down."""
        seen = self.outcomes[bare(report.nodeid)]
        # An expected failure has shown nothing, and an unexpected pass is a failure already (xfail_strict).
        outcome = SKIPPED if hasattr(report, "wasxfail") else report.outcome
        seen[report.nodeid] = _worst([outcome, seen.get(report.nodeid, PASSED)])
        self.against[report.nodeid] = getattr(report, "against", [])
        if getattr(report, "in_part", False):
            self.left_out.add(bare(report.nodeid))

    def pytest_runtest_logfinish(self) -> None:
        """Write what is known by now, when somebody watches."""
        if self.live and time.monotonic() - self.written_at >= _LIVE_EVERY_S:
            self._write()

    def pytest_sessionfinish(self) -> None:
        """Write the record."""
        self._write()

    def _write(self) -> None:
        """Put what is new into the record; a disk that cannot be written does not spoil the run."""
        self.written_at = time.monotonic()
        runs = {proof: run for proof, run in self.runs().items() if proof not in self.written}
        if not runs:
            return
        try:
            add_runs(self.root, runs)
            self.written |= set(runs)
        except OSError as error:
            print(f"the record of the proofs was not written: {error}")  # noqa: T201

    def runs(self) -> dict[str, Run]:
        """Return what is to be recorded: tests that are proofs, ran in full, and one that failed in any case."""
        commit, dirty = self.state
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        found: dict[str, Run] = {}
        for proof, code in self.before.items():
            outcomes = self.outcomes.get(proof, {})
            outcome = _worst(outcomes.values())
            whole = set(outcomes) == set(self.expected[proof]) and proof not in self.left_out
            if outcomes and (whole or outcome == FAILED):
                # In the order of collection: workers finish in any order.
                marked = (word for node_id in self.expected[proof] for word in self.against.get(node_id, ()))
                shown = tuple(dict.fromkeys(marked)) or against(self.root, proof)
                found[proof] = Run(outcome, at, commit, dirty, shown, code)
        return found


def _worst(outcomes: Iterable[str]) -> str:
    seen = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in seen), SKIPPED)


def _marked(item: pytest.Item) -> list[str]:
    """What a test says itself: by the marker `against`, or as a parameter that names the store."""
    words = [str(word) for marker in item.iter_markers("against") for word in marker.args]
    if words:
        return words
    call: Any = getattr(item, "callspec", None)
    values = call.params.values() if call else ()
    return [_STORES[value] for value in values if isinstance(value, str) and value in _STORES]
