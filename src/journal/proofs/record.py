"""What the proofs last said: `.redrive/proofs.json`, written by the test run itself (`journal.proofs.recorder`).

After a run the file holds, for each test that a claim or a card names and
that ran in full, how it came out, when, at which commit, against what, and a digest of the test and its subject.
Nothing in it is ever typed, and it is no history: git ignores it, and any run writes it again.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from journal.review.history.lock import exclusive

if TYPE_CHECKING:
    from pathlib import Path

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
VERSION = 1


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
