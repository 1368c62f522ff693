"""What `journal new` writes into this journal passes its checks and a strict build, as it stands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from journal import cli
from journal.check import check_all
from journal.content.library import library
from journal.course.exercises import find_exercises
from journal.course.texts import check_texts
from journal.site.node import WEB, packages
from journal.skeletons.filled import FOLDER, filled

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    ("exercise", "tracing", "--title", 'Tracing "a" job'),
    ("card", "logging", "--lesson", "exercises/tracing.md#tracing-a-job", "--why-no-proof", "definition"),
    ("lesson", "141", "Spans: what they're for", "--exercise", "tracing", "--deck", "logging"),
    ("week",),
    ("adr", "Sample one trace in ten"),
)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """This journal as git has it, with what is changed and not committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    root = tmp_path / "journal"
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    monkeypatch.setenv("REDRIVE_ROOT", str(root))
    return root


@pytest.mark.long
def test_everything_new_passes_the_checks_and_a_strict_build(copy):
    for command in COMMANDS:
        assert cli.run(["new", *command]) == 0
    assert check_all(library(copy)) == []
    # npm's packages are those of this checkout; installing them again would show nothing.
    (copy / WEB.relative_to(ROOT) / "node_modules").symlink_to(packages())
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(copy / "site")],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for page in ("exercises/tracing", "quizzes/tracing", "quizzes/logging", "lessons/day-141-spans-what-theyre-for"):
        assert (copy / "site" / page / "index.html").is_file()


def test_new_exercise_lacks_only_more_wrong_solutions(tmp_path, monkeypatch):
    (tmp_path / "docs/quizzes").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setenv("REDRIVE_ROOT", str(tmp_path))
    assert cli.run(["new", "exercise", "tracing"]) == 0
    (exercise,) = find_exercises(tmp_path)
    assert [str(problem) for problem in check_texts(exercise)] == []
    assert library(tmp_path).courses["tracing"].order == 1


@pytest.mark.parametrize("skeleton", sorted(path.name for path in FOLDER.iterdir() if (path / "docs").is_dir()))
def test_skeleton_has_no_value_that_nobody_fills(skeleton, tmp_path, monkeypatch):
    """A misspelt `__name__` would stand in the new file as it is."""
    (tmp_path / "docs/quizzes").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setenv("REDRIVE_ROOT", str(tmp_path))
    command = {
        "adr": ("adr", "Why"),
        "deck": ("card", "tracing", "--lesson", "lessons/x.md#y"),
        "exercise": ("exercise", "tracing"),
        "lesson": ("lesson", "1", "First"),
        "week": ("week",),
    }[skeleton]
    assert cli.run(["new", *command]) == 0
    expected = len(filled(skeleton, {}))
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "pyproject.toml"]
    assert len(written) == expected
    for path in written:
        assert "__" not in path.name
        assert "__" not in path.read_text(encoding="utf-8").replace("__future__", "").replace("__file__", "")
