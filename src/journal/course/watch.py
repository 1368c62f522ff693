"""Watch a learner's file: run the step at hand whenever the file is saved, and move on when the step passes.

The file is looked at a few times a second. A library that is told about changes would save a little processor time, but
a learner's installation may not have one, and one `stat` costs microseconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from grading.steps import Step

LOOK_EVERY_S = 0.3
"""Seconds between two looks at the file."""

MISSING_AFTER = 3
"""Looks without a file after which it counts as missing: some editors delete the file and write it again."""


class Terminal(Protocol):
    """What the watch needs from the terminal; tests pass their own."""

    def clear(self) -> None:
        """Clear the screen."""

    def say(self, text: str) -> None:
        """Print a line."""

    def wait(self, seconds: float) -> None:
        """Wait."""

    def run(self, tests: Path) -> bool:
        """Run these tests, a file or a folder, show their report, and return whether they passed."""


class Watch:
    """Runs the steps of one exercise, one after the other, until all have passed.

    Args:
        root: the journal's folder.
        slug: the exercise.
        steps: its steps in their order.
        first: the number of the step to begin with.
        terminal: shows and runs.
    """

    def __init__(self, root: Path, slug: str, steps: Sequence[Step], first: int, terminal: Terminal) -> None:
        self._root = root
        self._slug = slug
        self._steps = tuple(steps)
        self._open = [step for step in steps if step.n >= first]
        self._terminal = terminal
        self._shown = f"exercises/{slug}/{slug}.py"
        self._file = root / self._shown

    def run(self) -> None:
        """Return when every step has passed. The learner's file is only read."""
        while True:
            saved = self._wait_for_file()
            self._terminal.clear()
            if not self._open:
                # Steps build on each other, so a late change may have broken an early step.
                if self._terminal.run(self._file.parent):
                    return
                self._open = list(self._steps)
                self._terminal.say(f"\nA step that had passed fails now. Save {self._shown} to run all steps again.")
                self._wait_for_change(saved)
                continue
            step = self._open[0]
            if self._terminal.run(step.file):
                self._open.pop(0)
                continue
            name = f"Step {step.n}, {step.title}" + (" (optional)" if step.stretch else "")
            self._terminal.say(f"\n{name}. Save {self._shown} to run it again; Ctrl+C stops.")
            self._wait_for_change(saved)

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _wait_for_file(self) -> tuple[int, int, int]:
        missing = 0
        while (saved := self._look()) is None:
            missing += 1
            if missing == MISSING_AFTER:
                self._terminal.say(
                    f"{self._shown} is gone. Save it again, or run `journal reset {self._slug}` in another terminal."
                )
            self._terminal.wait(LOOK_EVERY_S)
        return saved

    def _wait_for_change(self, saved: tuple[int, int, int]) -> None:
        # What counts is the state before the run: the learner may have saved while it was going on.
        while self._look() == saved:
            self._terminal.wait(LOOK_EVERY_S)


def run_pytest(root: Path, tests: Path) -> bool:
    """Run pytest on `tests` as the learner would, and return whether everything passed.

    The run has a session of its own, so that Ctrl+C reaches this process alone. It ends the run and everything that the
    run has started.
    """
    command = [sys.executable, "-m", "pytest", str(tests.relative_to(root))]
    with subprocess.Popen(command, cwd=root, start_new_session=True) as process:
        try:
            return process.wait() == 0
        except BaseException:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            raise
