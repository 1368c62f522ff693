"""`python -m journal.proofs.quick TEST …`: run proofs at the lowest priority, and tell how far they are.

One line of JSON on standard output after each proof: `{"done": 3, "of": 136, "failed": ["tests/…::test_…"]}`. Tests
that need a browser or belong to the long tier are left out. Between two tests it waits while an exercise runs: a test
that is stopped in the middle could fail for it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

QUICK = "not long and not browser"
PAUSE = Path(".redrive") / "proofs-pause"
_LOOK_EVERY_S = 1.0
_EXERCISE = re.compile(r"pytest\b.*\bexercises(?:/|\s|$)")


class Teller:
    """The plugin: waits for exercises before each test, and tells what is done."""

    def __init__(self, root: Path, out: TextIO) -> None:
        self.root = root
        self.out = out
        self.waiting: dict[str, int] = {}
        self.failed: list[str] = []
        self.of = 0
        self.looked_at = 0.0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the parameters of each proof."""
        for item in session.items:
            name = item.nodeid.partition("[")[0]
            self.waiting[name] = self.waiting.get(name, 0) + 1
        self.of = len(self.waiting)
        self._tell()

    def pytest_runtest_logstart(self) -> None:
        """Wait while an exercise runs."""
        while paused(self.root) or self._exercise():
            time.sleep(0.2)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what failed."""
        name = report.nodeid.partition("[")[0]
        if report.failed and name not in self.failed:
            self.failed.append(name)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell when the last parameter of a proof has run."""
        name = nodeid.partition("[")[0]
        self.waiting[name] -= 1
        if not self.waiting[name]:
            del self.waiting[name]
            self._tell()

    def _exercise(self) -> bool:
        if time.monotonic() - self.looked_at < _LOOK_EVERY_S:
            return False
        found = exercise_runs()
        if not found:
            self.looked_at = time.monotonic()
        return found

    def _tell(self) -> None:
        told = {"done": self.of - len(self.waiting), "of": self.of, "failed": self.failed}
        print(json.dumps(told), file=self.out, flush=True)


def paused(root: Path) -> bool:
    """Return whether the page has asked for silence, which it does until a time."""
    try:
        return time.time() < float((root / PAUSE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def exercise_runs() -> bool:
    """Return whether this machine grades an exercise in a terminal now."""
    program = shutil.which("ps")
    if not program:
        return False
    listed = subprocess.run([program, "-Ao", "args"], capture_output=True, text=True, errors="replace", check=False)
    return runs_an_exercise(listed.stdout.splitlines())


def runs_an_exercise(commands: Iterable[str]) -> bool:
    """Return whether one of the command lines is pytest on an exercise; this program's own names only tests."""
    return any(_EXERCISE.search(command) for command in commands if "journal.proofs.quick" not in command)


def lowest_priority() -> None:
    """Let everything else on this machine go first: processor, and disk where the system can tell."""
    if hasattr(os, "nice"):
        os.nice(19)
    if program := shutil.which("ionice"):
        subprocess.run([program, "-c", "3", "-p", str(os.getpid())], capture_output=True, check=False)


def main(tests: Sequence[str]) -> int:
    """Run `tests` and return pytest's exit code."""
    lowest_priority()
    # What pytest and the tests print would come between the lines.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out, Path(os.devnull).open("w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 1)
        # This very module has imported the packages whose plugins pytest would like to import first.
        quiet = ["-q", "--tb=no", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        return int(pytest.main([*quiet, "-m", QUICK, *tests], plugins=[Teller(Path.cwd(), out)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
