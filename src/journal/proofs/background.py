"""The quick proofs, run in one background process while the site is served, so that marks turn as a newcomer reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from journal.content.test_names import missing_test
from journal.proofs.freshness import digest
from journal.proofs.mutations import mutated_files
from journal.proofs.named_proofs import named_proofs
from journal.proofs.quick import PAUSE
from journal.proofs.record import read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

_NOT_INHERITED = {"PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "REDRIVE_HISTORY"}


class QuickProofs:
    """Runs what changed since its last run, once."""

    def __init__(self, root: Path, say: Callable[[str, bool], None]) -> None:
        """Prepare a run.

        Args:
            root: the journal's folder.
            say: is given the line of progress each time that it changes, and whether it is the last.
        """
        self._root = root
        self._say = say
        self._first: Collection[str] = ()
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="quick proofs", daemon=True)
        self._ended = threading.Event()

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended."""
        return self._thread.ident is not None and not self._ended.is_set()

    def start(self, first: Collection[str] = ()) -> None:
        """Begin with the proofs `first`; returns immediately."""
        self._first = first
        self._thread.start()

    def pause(self, seconds: float) -> None:
        """Begin no further test for so long; 0 goes on."""
        file = self._root / PAUSE
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{time.time() + seconds:.3f}", encoding="utf-8")

    def stop(self) -> None:
        """End what runs, with all that it started."""
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            if sys.platform == "win32":
                self._process.terminate()
            else:
                # The tests stop their own servers; SIGKILL would leave those behind.
                os.killpg(self._process.pid, signal.SIGINT)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self.running:
            self._ended.wait(timeout=10)

    def _run(self) -> None:
        try:
            tests = changed(self._root, self._first)
            if tests and not self._stopped:
                self._say(self._follow(tests), True)
        finally:
            self._ended.set()

    def _follow(self, tests: list[str]) -> str:
        """Run `tests`, telling how far they are, and return the line that sums them up."""
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        settings = {"REDRIVE_PROOFS_LIVE": "1", "REDRIVE_NO_HISTORY": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        told = {"done": 0, "of": len(tests), "failed": []}
        with subprocess.Popen(
            [sys.executable, "-m", "journal.proofs.quick", *tests],
            cwd=self._root,
            env={**inherited, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as self._process:
            assert self._process.stdout is not None
            for line in self._process.stdout:
                if line.startswith('{"done"'):
                    told = json.loads(line)
                    self._say(f"proofs: {told['done']} of {told['of']}", False)
        return _summary(told, len(tests), stopped=self._stopped)


def changed(root: Path, first: Collection[str] = ()) -> list[str]:
    """Return the proofs that have no record of what they are now: `first`, then those of pages, then those of cards."""
    record = read_record(root)
    named = {proof: where for proof, where in named_proofs(root).items() if not missing_test(root, proof)}
    found = [
        proof
        for proof in named
        if proof not in record or record[proof].digest != digest(root, proof, mutated_files(root, proof))
    ]
    return sorted(found, key=lambda proof: (proof not in first, all(one.card for one in named[proof]), proof))


def _summary(told: dict[str, object], asked: int, *, stopped: bool) -> str:
    done, failed = told["done"], told["failed"]
    assert isinstance(done, int)
    assert isinstance(failed, list)
    if not done:
        return "proofs: none ran; `journal proofs` says more" if not stopped else "proofs: stopped"
    left = f"; {asked - done} need a browser or the long tests" if asked > done and not stopped else ""
    ill = f", {len(failed)} failed: {', '.join(failed)}" if failed else ""
    return f"proofs: {done - len(failed)} passed{ill}{left}"
