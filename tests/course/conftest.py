"""A small exercise of its own, in a folder of its own, for tests of the graders."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TEST_1, TEST_2 = "exercises/toy/test_1_double_it.py", "exercises/toy/test_2_take_one.py"
TESTS = {
    TEST_1: '''\
import pytest

from exercises.toy.toy import double
from grading import explain

pytestmark = pytest.mark.step(1, "double it")


def test_three_is_doubled():
    """Three doubled is six.

    Costs: half the money is gone.
    """
    got = double(3)
    assert got == 6, explain(called="double(3)", got=got, expected=6, costs="half the money is gone")
''',
    TEST_2: '''\
import pytest

from exercises.toy.toy import take
from grading import explain, for_seeds

pytestmark = pytest.mark.step(2, "take one", stretch=True)


@for_seeds(5)
async def test_one_is_taken(redis, network, seed):
    """What was put first is taken first."""
    await network.raw().rpush("ready", "a", "b")
    got = await take(redis)
    assert got == b"a", explain(called="await take(redis)", got=got, expected=b"a", costs="jobs grow old")
''',
}
STUB = '''\
"""Write this file."""

import asyncio
import time


def double(n):
    """Return twice n."""
    raise NotImplementedError("step 1: double it")


async def take(redis):
    """Take the first of the list `ready`."""
    raise NotImplementedError("step 2: take one")
'''
DOUBLE = 'raise NotImplementedError("step 1: double it")'
TAKE = 'raise NotImplementedError("step 2: take one")'
SOLVED = STUB.replace(DOUBLE, "return 2 * n").replace(TAKE, 'return await redis.lpop("ready")')
README = "# Toy\n\n" + "".join(
    f"## {heading}\n\nDo it.\n\n"
    + "".join(f"<details><summary>Hint {n}</summary>\n\nThink {n} times.\n\n</details>\n" for n in (1, 2, 3))
    + "\n"
    for heading in ("1. Double it", "Stretch 2. Take one")
)
WRONG = '''\
"""Doubles by adding two.

Incident: half the money was gone.
Fails: 1
Says: half the money is gone
"""


def double(n):
    return n + 2
'''
TAKES_THE_LAST = '''\
"""Takes the last.

Incident: half the money was gone.
Fails: 2
Says: jobs grow old
"""


async def take(redis):
    return (await redis.lrange("ready", -1, -1))[0]
'''


class Toy:
    """A journal folder with one exercise, `toy`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(
            ROOT / "src" / "grading", root / "src" / "grading", ignore=shutil.ignore_patterns("__pycache__")
        )
        (root / "exercises").mkdir()
        shutil.copy2(ROOT / "exercises" / "conftest.py", root / "exercises" / "conftest.py")
        shutil.copy2(ROOT / "pyproject.toml", root / "pyproject.toml")
        for path, text in TESTS.items():
            self.write(path, text)
        self.write("exercises/toy/README.md", README)
        self.write("exercises/toy/toy.py", STUB)

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text, f"{path} holds no {old!r}"
        self.write(path, text.replace(old, new, 1))

    def body(self, double: str = DOUBLE, take: str = TAKE) -> None:
        """Write the learner's file with these lines as the bodies."""
        indent = "\n    "
        text = STUB.replace(DOUBLE, double.replace("\n", indent)).replace(TAKE, take.replace("\n", indent))
        self.write("exercises/toy/toy.py", text)

    def complete(self) -> None:
        """Add everything that a complete exercise has."""
        self.write("solutions/toy/toy.py", SOLVED)
        self.write("solutions/toy/NOTES.md", "# Notes\n")
        self.write("solutions/toy/alternatives/by_adding.py", SOLVED.replace("2 * n", "n + n"))
        for number in range(8):
            self.write(f"solutions/toy/wrong/adds_two_{number}.py", WRONG)
        self.write("solutions/toy/wrong/takes_the_last.py", TAKES_THE_LAST)
        self.write("docs/exercises/toy.md", "# Toy\n")
        self.write("docs/quizzes/toy.yml", "topic: toy\n")
        self.write("notebooks/toy.ipynb", "{}\n")

    def commit(self) -> None:
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
            who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"]
            subprocess.run(["git", "-C", str(self.root), *who, *command], check=True, capture_output=True)

    def commit_again(self) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"]
        subprocess.run(["git", "-C", str(self.root), *who, "commit", "-qam", "again"], check=True, capture_output=True)

    def run(self, *arguments: str, cwd: Path | None = None, **environment: str) -> Run:
        """Run what the learner runs, and return what there is to see."""
        report = self.root / "report.json"
        report.unlink(missing_ok=True)
        settings = {"REDRIVE_NO_HISTORY": "1", "REDRIVE_TEST_LIMIT_S": "1", **os.environ, "REDRIVE_REPORT": str(report)}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *(arguments or ("exercises/toy",))],
            cwd=cwd or self.root,
            env={**settings, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        data = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
        return Run(done.returncode, done.stdout + done.stderr, data)


class Run:
    """What came of one run."""

    def __init__(self, returncode: int, output: str, report: dict) -> None:
        self.returncode, self.output, self.report = returncode, output, report

    @property
    def outcomes(self) -> dict[int, str]:
        return {step["n"]: step["outcome"] for step in self.report["steps"]}

    def message(self, n: int) -> str:
        tests = next(step["tests"] for step in self.report["steps"] if step["n"] == n)
        return "\n".join(test["message"] for test in tests)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The toy exercise; one process grades it, as a second takes longer to start than the toy's few files do."""
    for module in ("audit", "grades"):
        monkeypatch.setattr(f"journal.course.{module}.AT_ONCE", 1)
    return Toy(tmp_path / "journal")
