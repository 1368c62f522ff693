"""Mutants: each is one change, and one that no test notices is found."""

import ast
import os

import pytest

from journal.course import find_exercises
from journal.course.mutants import mutants_of, survivors
from tests.course.conftest import ROOT

SCALE = float(os.environ.get("LONG_SCALE", "1"))
KILLED = 0.8
"""The share of mutants that must be noticed; of the rest most make no difference to a caller."""


def test_every_mutant_is_valid_python_and_differs_in_one_place():
    text = "def f(n):\n    '''Say.'''\n    if not n < 2 and n:\n        n = n + 1\n    return n\n"
    found = mutants_of(text)
    assert {mutant.what for mutant in found} == {
        "n < 2, with LtE",
        "not n < 2, without not",
        "not n < 2 and n, with Or",
        "2 as 3",
        "n + 1, with Sub",
        "1 as 2",
        "without `n = n + 1`",
        "without `return n`",
    }
    original = ast.unparse(ast.parse(text)).splitlines()
    for mutant in found:
        changed = ast.unparse(ast.parse(mutant.text)).splitlines()
        assert sum(one != two for one, two in zip(original, changed, strict=True)) == 1


def test_mutant_that_no_test_notices_is_named_with_its_line(toy):
    toy.complete()
    toy.write(
        "solutions/toy/toy.py",
        (toy.root / "solutions/toy/toy.py").read_text().replace("return 2 * n", "return 2 * n if n < 100 else 2 * n"),
    )
    (exercise,) = find_exercises(toy.root)
    lines = survivors(exercise)
    assert any("n < 100, with LtE" in line for line in lines)
    assert all(line.startswith("solutions/toy/toy.py:") for line in lines)


@pytest.mark.long
@pytest.mark.parametrize("slug", [exercise.slug for exercise in find_exercises(ROOT)])
def test_tests_of_an_exercise_notice_most_mutants_of_its_solution(slug):
    exercise = next(one for one in find_exercises(ROOT) if one.slug == slug)
    count = len(mutants_of(exercise.text("solution")))
    tried = min(count, max(10, round(count * SCALE)))
    alive = survivors(exercise, at_most=tried)
    assert len(alive) <= (1 - KILLED) * tried, "\n".join(alive)
