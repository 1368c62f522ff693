"""Grading in forks gives the verdicts that a process for each gives, and no run sees what an earlier one did."""

import os

import pytest

from grading.grader import Grader
from grading.overlay import OverlayError, grade
from tests.course.conftest import SOLVED, STUB

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here: grade() does it all")

TEXTS = {
    "solved": SOLVED,
    "stub": STUB,
    "wrong": SOLVED.replace("2 * n", "n + 2"),
    "waits for ever": SOLVED.replace('return await redis.lpop("ready")', "await asyncio.Event().wait()"),
    "cannot be imported": "import nothing_there\n" + SOLVED,
    "is no Python": "def double(n:\n",
    "ends the process": SOLVED.replace("return 2 * n", "raise SystemExit(3)"),
}


@pytest.fixture
def grader(toy):
    grader = Grader(toy.root)
    yield grader
    grader.close()


def verdict(graded):
    tests = [(step.n, test.name, test.outcome, test.message) for step in graded.steps for test in step.tests]
    return graded.passed, graded.broken, tests, graded.returncode


def test_verdicts_are_those_of_a_process_for_each(toy, grader):
    """Grading many files in forks changes no verdict.

    Did: graded seven files (solved, stub, wrong, deadlocked, unimportable, no Python, ending the process) both ways.
    Saw: the same steps, messages and exit codes.
    Otherwise: a fork had kept something of the file before it, or had lost what pytest sets up at its start.
    """
    settings = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for name, text in TEXTS.items():
        alone = grade(toy.root, "toy", text, environment=settings)
        assert verdict(grader.grade("toy", text)) == verdict(alone), name


def test_file_of_the_same_length_written_at_once_is_read_anew(grader):
    for number in range(6):
        right = number % 2 == 0
        text = SOLVED if right else SOLVED.replace("2 * n", "3 * n")
        assert grader.grade("toy", text).passed is right


def test_endless_loop_is_ended_by_processor_time(grader):
    graded = grader.grade("toy", SOLVED.replace("return 2 * n", "while True: pass"))
    (test,) = graded.steps[0].tests
    assert "an endless loop" in test.message
    assert graded.steps_that("passed") == [2]


def test_run_that_takes_too_long_is_told_and_the_next_one_graded(grader):
    with pytest.raises(OverlayError, match=r"ran longer than 0\.5 s"):
        grader.grade("toy", "import time\ntime.sleep(30)\n", limit_s=0.5)
    assert grader.grade("toy", SOLVED).passed


def test_seed_of_one_run_is_not_kept_for_the_next(grader):
    text = SOLVED.replace('return await redis.lpop("ready")', 'return b"no"')
    for first in ("7", None, "9"):
        graded = grader.grade("toy", text, environment={"REDRIVE_SEEDS_FROM": first} if first else None)
        assert graded.steps[1].tests[0].seed == int(first or 1)
