"""Grade a file that is not the learner's: the solution, a wrong solution, the stub, by the learner's own command.

`exercises/`, the engine and `pyproject.toml` are copied to a temporary folder outside the repository, the file is laid
over `exercises/<slug>/<slug>.py`, and `pytest exercises/<slug>` runs there. Inside the repository pytest would take the
settings of the repository and silently grade the stub, so where the tests imported their module from is checked first.
The copy's own engine grades: `grading.loading` refuses one that is installed elsewhere.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grading import runner

DEFAULT_LIMIT_S = 120.0


class OverlayError(Exception):
    """The overlay itself went wrong: nothing was graded, and the message says why."""


class OverlayTimeoutError(OverlayError):
    """The run took longer than it may and was ended."""


@dataclass(frozen=True, slots=True)
class GradedTest:
    """One test of an overlay's run."""

    id: str
    outcome: str
    message: str
    line: int | None
    seed: int | None

    @property
    def file(self) -> str:
        """The file that holds it, from the root."""
        return self.id.partition("::")[0]

    @property
    def name(self) -> str:
        """The test's id without its file."""
        return self.id.rpartition("::")[2]


@dataclass(frozen=True, slots=True)
class GradedStep:
    """One step of an overlay's run; `outcome` is passed, failed, not_started, local_only or not_run."""

    n: int
    title: str
    stretch: bool
    outcome: str
    tests: tuple[GradedTest, ...]


@dataclass(frozen=True, slots=True)
class Graded:
    """What a run in an overlay gave.

    Attributes:
        broken: why no step could start (the file cannot be imported), else None.
        returncode: pytest's.
        output: what the learner would have read.
    """

    slug: str
    passed: bool
    broken: str | None
    steps: tuple[GradedStep, ...]
    returncode: int
    output: str = field(repr=False)

    def steps_that(self, *outcomes: str) -> list[int]:
        """List the numbers of the steps with one of these outcomes."""
        return [step.n for step in self.steps if step.outcome in outcomes]

    @property
    def everything_passed(self) -> bool:
        """Whether every step passed, stretch included."""
        return self.broken is None and all(step.outcome == "passed" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Sources:
    """What is laid over the copy besides the graded file: paths below the overlay's root, and their text."""

    files: dict[str, str] = field(default_factory=dict)


def git_head_text(root: Path, path: str) -> str | None:
    """Return a file's text in git's HEAD; None without git, without a repository, or when HEAD does not hold it."""
    try:
        shown = subprocess.run(
            ["git", "-C", str(root), "show", f"HEAD:./{path}"], capture_output=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return shown.stdout.decode("utf-8").replace("\r\n", "\n") if shown.returncode == 0 else None


def is_git_root(root: Path) -> bool:
    """Whether `root` is the top folder of a git repository."""
    try:
        shown = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--show-toplevel"], capture_output=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return shown.returncode == 0 and Path(shown.stdout.decode("utf-8").strip()).resolve() == root.resolve()


def stub_text(root: Path, slug: str) -> str | None:
    """Return the stub of an exercise as the course ships it: from git's HEAD, never from the learner's file."""
    return git_head_text(root, f"exercises/{slug}/{slug}.py")


def graded_against(root: Path, slug: str) -> str | None:
    """Return the exercise whose solutions the learner's own tests are put to; None where exercise `slug` asks for code.

    The course declares it: `graded_against = "backoff"` in `exercises/<slug>/course.toml`.
    """
    declared = root / "exercises" / slug / "course.toml"
    if not declared.is_file():
        return None
    tested = tomllib.loads(declared.read_text(encoding="utf-8")).get("graded_against")
    return str(tested) if tested else None


def engine_files(root: Path) -> list[tuple[str, Path]]:
    """List the files of the engine that grades in `root`: the one beside its exercises, and this one where none is.

    Each comes with where it lies in a checkout, such as `src/grading/clock.py`.
    """
    beside = root / "src" / "grading"
    folder = beside if beside.is_dir() else Path(__file__).resolve().parent
    return [(f"src/grading/{file.name}", file) for file in sorted(folder.glob("*.py"))]


def make_overlay(root: Path, slug: str, text: str, folder: Path, sources: Sources | None = None) -> None:
    """Make the copy in `folder` with `text` as the exercise's file.

    Raises:
        OverlayError: `folder` lies inside a project, where pytest would take that project's settings.
    """
    for parent in folder.resolve().parents:
        if (parent / "pyproject.toml").exists() or (parent / "pytest.ini").exists():
            raise OverlayError(
                f"{folder} lies inside {parent}, whose settings pytest would use, and it would grade the stub there; "
                "set TMPDIR to a folder outside any project"
            )
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache", "*.bak*")
    shutil.copytree(root / "exercises", folder / "exercises", ignore=ignored)
    for path, file in engine_files(root):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, folder / path)
    shutil.copy2(root / "pyproject.toml", folder / "pyproject.toml")
    tested = graded_against(root, slug)
    if tested is not None:
        for path in (f"solutions/{tested}", f"solutions/{slug}/implementations"):
            shutil.copytree(root / path, folder / path, ignore=ignored)
    for path, content in (sources or Sources()).files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    (folder / "exercises" / slug / f"{slug}.py").write_text(text, encoding="utf-8")


def grade(
    root: Path,
    slug: str,
    text: str,
    *,
    sources: Sources | None = None,
    environment: dict[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    limit_s: float = DEFAULT_LIMIT_S,
) -> Graded:
    """Grade `text` as the file of exercise `slug` and return what the run gave.

    Args:
        root: the journal's root folder.
        slug: the exercise.
        text: the whole file to grade.
        sources: further files to lay over the copy.
        environment: added to this process's, for seeds for instance.
        arguments: further arguments for pytest.
        limit_s: real seconds for the whole run.

    Raises:
        OverlayError: nothing could be graded: no report came back in time, or another file was graded.
    """
    with tempfile.TemporaryDirectory(prefix="redrive-overlay-") as name:
        folder = Path(name).resolve()
        make_overlay(root, slug, text, folder, sources)
        target = folder / "report.json"
        own = {"REDRIVE_REPORT": str(target), "PYTHONDONTWRITEBYTECODE": "1"}
        settings = {**runner.clean_environment(), **own, **(environment or {})}
        command = [sys.executable, "-m", "pytest", f"exercises/{slug}", "-p", "no:cacheprovider", *arguments]
        done = runner.run(command, folder, settings, limit_s)
        called = " ".join(command[1:])
        if done.returncode is None:
            raise OverlayTimeoutError(f"`{called}` ran longer than {limit_s:g} s and was ended")
        if not target.exists():
            raise OverlayError(f"{slug}: `{called}` gave no report (exit {done.returncode}):\n{done.output}")
        return read_report(target, folder, slug, done.returncode, done.output)


def read_report(report: Path, folder: Path, slug: str, returncode: int, output: str) -> Graded:
    """Read what a run in an overlay reported.

    Raises:
        OverlayError: it graded another file than the overlay's.
    """
    data: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    module = data.get("module")
    expected = folder / "exercises" / slug / f"{slug}.py"
    if module is not None and Path(module).resolve() != expected:
        raise OverlayError(f"the tests of {slug} imported {module} instead of {expected}; nothing was graded")
    steps = tuple(
        GradedStep(
            step["n"],
            step["title"],
            step["stretch"],
            step["outcome"],
            tuple(
                GradedTest(test["id"], test["outcome"], test["message"], test["line"], test["seed"])
                for test in step["tests"]
            ),
        )
        for step in data["steps"]
    )
    return Graded(slug, bool(data["passed"]), data["broken"], steps, returncode, output)
