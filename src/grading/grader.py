"""Grade many files one after the other, each in a fork of a process that has imported everything already.

The verdicts are those of `grading.overlay.grade`, which starts a process for each: every file is imported again, by the
same pytest with the same arguments, in an overlay outside the repository. Where there is no fork it is that function.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from grading import forks
from grading.overlay import (
    DEFAULT_LIMIT_S,
    Graded,
    OverlayError,
    OverlayTimeoutError,
    grade,
    make_overlay,
    read_report,
)
from grading.runner import clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable

FORKS_A_PROCESS = 25
"""Then a new one is started, so that runs see more than one order of hashing."""

SETTINGS = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    # Processor time, so that an endless loop ends soon and a busy machine changes no verdict.
    "REDRIVE_TEST_CPU_LIMIT_S": "2",
}
_SERVER = Path(__file__).with_name("fork_server.py")


class Grader:
    """Grades one file after the other in one overlay."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._slug: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._left = 0

    def grade(
        self,
        slug: str,
        text: str,
        *,
        environment: dict[str, str] | None = None,
        arguments: tuple[str, ...] = (),
        limit_s: float = DEFAULT_LIMIT_S,
    ) -> Graded:
        """Grade `text` as the file of an exercise; see `grading.overlay.grade`."""
        if not hasattr(os, "fork"):
            settings = SETTINGS | (environment or {})
            return grade(self._root, slug, text, environment=settings, arguments=arguments, limit_s=limit_s)
        folder = self._folder_for(slug, text)
        home = folder / "exercises" / slug
        (home / f"{slug}.py").write_text(text, encoding="utf-8")
        for compiled in home.glob(f"__pycache__/{slug}.*.pyc"):
            compiled.unlink()  # a file of the same size, written in the same second, would pass for it
        target, output = folder / "report.json", folder / "output.txt"
        target.unlink(missing_ok=True)
        # Every variable that one run may set and the next must not keep is named each time.
        settings = {"REDRIVE_SEED": "", "REDRIVE_SEEDS_FROM": "", **(environment or {}), "REDRIVE_REPORT": str(target)}
        request = {
            "environment": settings,
            "arguments": [f"exercises/{slug}", "-p", "no:cacheprovider", *arguments],
            "output": str(output),
            "limits": {"real_s": limit_s, "cpu_s": None},
        }
        answer = self._ask(folder, request)
        command = f"pytest exercises/{slug}"
        if "late" in answer:
            raise OverlayTimeoutError(f"`{command}` ran longer than {limit_s:g} s and was ended")
        returncode = answer["ended"] if "ended" in answer else answer["answer"]["returncode"]
        said = output.read_text(encoding="utf-8", errors="replace")
        if not target.exists():
            raise OverlayError(f"`{command}` gave no report (exit {returncode}):\n{said}")
        return read_report(target, folder, slug, returncode, said)

    def _folder_for(self, slug: str, text: str) -> Path:
        if self._folder is None or self._slug != slug:
            self.close()
            self._folder, self._slug = tempfile.TemporaryDirectory(prefix="redrive-overlay-"), slug
            make_overlay(self._root, slug, text, Path(self._folder.name).resolve())
        return Path(self._folder.name).resolve()

    def _ask(self, folder: Path, request: dict[str, Any]) -> dict[str, Any]:
        if self._left == 0:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, str(_SERVER)],
                cwd=folder,
                env=clean_environment() | SETTINGS,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self._left = FORKS_A_PROCESS
        self._left -= 1
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            forks.send(process.stdin.fileno(), request)
            return forks.receive(process.stdout.fileno())
        except (BrokenPipeError, EOFError):
            self._left = 0
            exit_status = process.wait()
        raise OverlayError(f"the process that grades ended by itself (exit {exit_status}); nothing was graded")

    def _end(self) -> None:
        if self._process is not None:
            with self._process as process:  # closes its input, at which it ends
                assert process.stdin is not None
            self._process = None

    def close(self) -> None:
        """End the process and remove the overlay."""
        self._end()
        self._left = 0
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class Graders:
    """Some graders at work at once, as a pool; `submit` returns what waits for the verdict."""

    def __init__(self, root: Path, at_once: int = 2) -> None:
        self._all = [Grader(root) for _ in range(at_once)]
        self._free: queue.SimpleQueue[Grader] = queue.SimpleQueue()
        for grader in self._all:
            self._free.put(grader)
        self._pool = ThreadPoolExecutor(at_once)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        for grader in self._all:
            grader.close()

    def submit(
        self, slug: str, text: str, *, environment: dict[str, str] | None = None, arguments: tuple[str, ...] = ()
    ) -> Callable[[], Graded]:
        """Have a text graded; the result raises OverlayError when nothing could be graded."""
        work = partial(self._grade, slug, text, environment, arguments)
        return self._pool.submit(work).result

    def _grade(self, slug: str, text: str, environment: dict[str, str] | None, arguments: tuple[str, ...]) -> Graded:
        grader = self._free.get()
        try:
            return grader.grade(slug, text, environment=environment, arguments=arguments)
        finally:
            self._free.put(grader)
