"""What grading an exercise costs, beside what an empty test costs: the bar is three times the latter.

    python -m tests.bench.exercises [--rounds 7]

Processor seconds of whole runs of pytest, the least of some rounds, interleaved, with bytecode already compiled. Graded
are the solutions, which run every test to its end. "empty" is an exercise with one empty test and the same
exercises/conftest.py; "bare" is pytest on one empty test with the project's settings and no conftest at all.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from grading.overlay import make_overlay
from grading.runner import clean_environment
from journal.course import find_exercises

ROOT = Path(__file__).parents[2]
BAR = 3.0
EMPTY = '''\
import pytest

pytestmark = pytest.mark.step(1, "nothing")


def test_nothing():
    """Nothing is asked."""
'''


def cpu_s(folder: Path, *arguments: str) -> float:
    """Run pytest in a folder and return the processor seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False, timeout=120
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Measure, print a table, and return 1 when an exercise is beyond the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="redrive-bench-") as name:
        home = Path(name).resolve()
        jobs = {"bare": (home / "bare", "."), "empty": (home / "exercises", "exercises/empty")}
        (home / "bare").mkdir()
        shutil.copy2(ROOT / "pyproject.toml", home / "bare" / "pyproject.toml")
        (home / "bare" / "test_empty.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
        for exercise in find_exercises(ROOT):
            make_overlay(ROOT, exercise.slug, exercise.text("solution"), home / exercise.slug)
            jobs[exercise.slug] = (home / exercise.slug, f"exercises/{exercise.slug}")
        make_overlay(ROOT, "backoff", "", home / "exercises")
        empty = home / "exercises" / "exercises" / "empty"
        empty.mkdir()
        (empty / "empty.py").write_text("", encoding="utf-8")
        (empty / "test_1_nothing.py").write_text(EMPTY, encoding="utf-8")
        least = dict.fromkeys(jobs, float("inf"))
        for turn in range(rounds + 1):  # the first compiles
            for job, (folder, path) in jobs.items():
                took_s = cpu_s(folder, path)
                least[job] = min(least[job], took_s) if turn else least[job]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}, {rounds} rounds")
    print(f"{'':12}{'CPU s':>7}{'of empty':>10}{'of bare':>9}")
    for job, took_s in least.items():
        print(f"{job:12}{took_s:7.3f}{took_s / least['empty']:10.2f}{took_s / least['bare']:9.2f}")
    beyond = [job for job, took_s in least.items() if took_s > BAR * least["empty"]]
    print(f"beyond {BAR:g} times an empty start: {', '.join(beyond) or 'none'}")
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
