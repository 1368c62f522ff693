"""What the proofs last said, written by the test run itself: `.redrive/proofs.json`, and the plugin that keeps it.

`tests/conftest.py` registers `Recorder`. After a run the file holds, for each test that a claim or a card names and
that ran in full, how it came out, when, at which commit, against what, and a digest of the test and its subject.
Nothing in it is ever typed, and it is no history: git ignores it, and any run writes it again.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from journal.proofs.freshness import against, digest
from journal.proofs.mutations import mutated_files
from journal.proofs.named_proofs import named_proofs
from journal.review.history.lock import exclusive

if TYPE_CHECKING:
    from collections.abc import Iterable

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
VERSION = 1
_WORST_FIRST = (FAILED, SKIPPED, PASSED)
_STORES = {"memory": "memory", "fakeredis": "fake", "fake": "fake", "valkey": "Valkey", "cluster": "Valkey cluster"}


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of one test in full.

    Attributes:
        outcome: passed, failed or skipped; of several parameters the worst.
        at: the end of the run, UTC, ISO 8601.
        commit: git's HEAD, "" where there is none.
        dirty: whether files differed from that commit.
        against: what it ran against, as fake, Valkey, gRPC, process, browser.
        digest: of the test and its subject as they were.
    """

    outcome: str
    at: str
    commit: str
    dirty: bool
    against: tuple[str, ...]
    digest: str


def record_path(root: Path) -> Path:
    """Return where the record of the journal `root` lies."""
    return root / ".redrive" / "proofs.json"


def read_record(root: Path) -> dict[str, Run]:
    """Return the last run of each test, by pytest id without parameters; a record that cannot be read holds nothing."""
    try:
        data = json.loads(record_path(root).read_text(encoding="utf-8"))
        return {name: Run(**{**run, "against": tuple(run["against"])}) for name, run in data["runs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Written again by the next run; a page must not fail for it.
        return {}


def add_runs(root: Path, runs: dict[str, Run]) -> None:
    """Put `runs` into the record in place of earlier ones of the same tests; safe beside another run."""
    path = record_path(root)
    path.parent.mkdir(exist_ok=True)
    with exclusive(path.with_suffix(".lock")):
        kept = {name: asdict(run) for name, run in sorted({**read_record(root), **runs}.items())}
        fresh = path.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps({"v": VERSION, "runs": kept}, indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)


def git_state(root: Path) -> tuple[str, bool]:
    """Return git's HEAD, abbreviated, and whether tracked files differ from it; ("", False) without git."""
    try:
        head, status = (
            subprocess.run(["git", "-C", str(root), *command], capture_output=True, text=True, check=True, timeout=30)
            for command in (["rev-parse", "--short=10", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return "", False
    return head.stdout.strip(), bool(status.stdout.strip())


def bare(node_id: str) -> str:
    """Return a pytest id without its parameters."""
    return node_id.partition("[")[0]


class Recorder:
    """The plugin: notes how every test came out and keeps what became of those that are proofs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.outcomes: dict[str, dict[str, str]] = defaultdict(dict)
        self.against: dict[str, list[str]] = defaultdict(list)
        self.expected: dict[str, set[str]] = defaultdict(set)
        self.left_out: set[str] = set()
        self.before: dict[str, str] = {}

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Remember tests of which not every parameter runs: their record would say more than was seen."""
        self.left_out |= {bare(item.nodeid) for item in items}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take the digests before anything runs: what is recorded is what was tested."""
        for item in session.items:
            self.expected[bare(item.nodeid)].add(item.nodeid)
            self.against[bare(item.nodeid)] += _marked(item)
        asked = {name for argument in session.config.args if "[" in argument for name in [bare(argument)]}
        self.left_out |= {os.path.relpath(name, self.root) if Path(name).is_absolute() else name for name in asked}
        proofs = set(named_proofs(self.root)) & set(self.expected) if not session.config.option.collectonly else set()
        self.before = {proof: digest(self.root, proof, mutated_files(self.root, proof)) for proof in proofs}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst of set-up, call and tear-down."""
        seen = self.outcomes[bare(report.nodeid)]
        # An expected failure has shown nothing, and an unexpected pass is a failure already (xfail_strict).
        outcome = SKIPPED if hasattr(report, "wasxfail") else report.outcome
        seen[report.nodeid] = _worst([outcome, seen.get(report.nodeid, PASSED)])

    def pytest_sessionfinish(self) -> None:
        """Write the record; a disk that cannot be written does not spoil the run."""
        runs = self.runs()
        if not runs:
            return
        try:
            add_runs(self.root, runs)
        except OSError as error:
            print(f"the record of the proofs was not written: {error}")  # noqa: T201

    def runs(self) -> dict[str, Run]:
        """Return what is to be recorded: tests that are proofs, ran in full, and one that failed in any case."""
        commit, dirty = git_state(self.root) if self.before else ("", False)
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        found: dict[str, Run] = {}
        for proof, code in self.before.items():
            outcomes = self.outcomes.get(proof, {})
            outcome = _worst(outcomes.values())
            whole = set(outcomes) == self.expected[proof] and proof not in self.left_out
            if outcomes and (whole or outcome == FAILED):
                shown = tuple(dict.fromkeys(self.against[proof])) or against(self.root, proof)
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
