"""The exercises of this journal: complete, twins in step, and every grader graded."""

import os

import pytest

from grading.grader import Graders
from grading.overlay import grade
from journal.course import check_grades, check_texts, check_twins, find_exercises
from journal.course.declared import read_wrong
from tests.course.conftest import ROOT

EXERCISES = {exercise.slug: exercise for exercise in find_exercises(ROOT)}
SCALE = float(os.environ.get("LONG_SCALE", "1"))


def listed(problems):
    return "\n".join(str(problem) for problem in problems)


def test_the_five_exercises_are_found():
    assert sorted(EXERCISES) == ["backoff", "deadletter", "metrics", "testbackoff", "workerpool"]


@pytest.mark.parametrize("slug", EXERCISES)
def test_exercise_is_complete_and_its_twins_agree(slug):
    exercise = EXERCISES[slug]
    problems = check_texts(exercise) + check_twins(exercise)
    assert not problems, listed(problems)


@pytest.mark.parametrize("slug", EXERCISES)
def test_solution_passes_and_the_first_wrong_one_fails_what_it_declares(slug):
    """Grade one right and one wrong program of each exercise; the long run grades every one."""
    exercise = EXERCISES[slug]
    wrong = read_wrong(exercise.files_in("wrong")[0], exercise.root)
    with Graders(ROOT, 2) as graders:
        right, caught = graders.submit(slug, exercise.text("solution")), graders.submit(slug, wrong.text)
        assert right().everything_passed
        assert tuple(caught().steps_that("failed")) == wrong.fails


@pytest.mark.parametrize("slug", EXERCISES)
def test_untouched_stub_shows_one_line_a_step_and_no_plumbing(slug):
    stub = EXERCISES[slug].stub()
    if stub is None:
        pytest.skip("without git the stub may be the learner's work: yours, not checked")
    graded = grade(ROOT, slug, stub)
    assert graded.returncode == 1
    assert graded.output.count("not started") >= len(graded.steps) >= 4
    assert [word for word in ("Traceback", "site-packages", "src/grading", "conftest") if word in graded.output] == []


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.parametrize("slug", EXERCISES)
def test_stub_is_red_solutions_green_and_wrong_solutions_caught_whatever_the_seed(slug):
    problems = check_grades([EXERCISES[slug]], seeds=max(1, round(100 * SCALE)))
    assert not problems, listed(problems)
