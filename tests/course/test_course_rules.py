"""Every rule of the course, broken by hand, is told with the file: the checks are checked."""

import pytest
from click.testing import CliRunner

from journal.course import check_grades, check_texts, check_twins, command, find_exercises
from journal.course.grades import missing_mistakes
from tests.course.conftest import TEST_1, TEST_2, TESTS


@pytest.fixture
def whole(toy):
    toy.complete()
    toy.commit()
    return toy


def told(toy, *, run=False):
    (exercise,) = find_exercises(toy.root)
    problems = check_texts(exercise) + check_twins(exercise)
    if run:
        problems += check_grades([exercise])
    return [str(problem) for problem in problems]


def test_complete_exercise_has_nothing_to_complain_of(whole):
    assert told(whole, run=True) == []


@pytest.mark.parametrize(
    "path",
    [
        "exercises/toy/README.md",
        "solutions/toy/toy.py",
        "solutions/toy/NOTES.md",
        "docs/exercises/toy.md",
        "docs/quizzes/toy.yml",
        "notebooks/toy.ipynb",
    ],
)
def test_missing_part_is_named(whole, path):
    (whole.root / path).unlink()
    assert [line for line in told(whole) if line.startswith(path) and "is missing" in line] != []


def test_missing_second_solution_is_named(whole):
    (whole.root / "solutions/toy/alternatives/by_adding.py").unlink()
    assert told(whole) == ["solutions/toy/alternatives: holds no second solution; add one that is built differently"]


TEXT_RULES = {
    "step without a test": (
        "exercises/toy/README.md",
        "# Toy",
        "# Toy\n\n## 7. More\n",
        "describes step 7, which no test grades",
    ),
    "test of no step in the README": (
        "exercises/toy/README.md",
        "## 1. Double it",
        "## Double it",
        "grades step 1, which the README does not",
    ),
    "stretch in one place only": (
        "exercises/toy/README.md",
        "## Stretch 2.",
        "## 2.",
        "is a stretch in one place only",
    ),
    "two hints": (
        "exercises/toy/README.md",
        "<details><summary>Hint 1",
        "<!-- --><summary>Hint 1",
        "has 2 folded hints",
    ),
    "empty hint": ("exercises/toy/README.md", "Think 2 times.", "", "hint 2 of step 1 is empty"),
    "test without a step": (TEST_1, "pytestmark = ", "other = ", f"{TEST_1}: grades no step"),
    "test of another step": (
        TEST_1,
        'step(1, "double it")',
        'step(2, "take one")',
        f"{TEST_1}:6: grades step 2, and its name says 1; make them the same",
    ),
    "test without a docstring": (
        TEST_2,
        '"""What was put first is taken first."""',
        "",
        "has no docstring",
    ),
    "assertion without a message": (
        TEST_1,
        "    got = double(3)",
        "    assert double\n    got = double(3)",
        "this assertion says nothing",
    ),
    "solution imports a stranger": ("solutions/toy/toy.py", "import time", "import numpy as time", "imports numpy"),
    "other parameter": (
        "solutions/toy/toy.py",
        "def double(n)",
        "def double(n, m=0)",
        "differs from the stub in its parameters, 'n, m=0' where the stub has 'n'",
    ),
    "other annotation": (
        "solutions/toy/toy.py",
        "def double(n)",
        "def double(n: int)",
        "'n: int' where the stub has 'n'",
    ),
    "other docstring": (
        "solutions/toy/toy.py",
        "Return twice n.",
        "Return n.",
        "differs from the stub in its docstring",
    ),
    "not async": (
        "solutions/toy/toy.py",
        "async def take",
        "def take",
        "in its kind, 'def' where the stub has 'async def'",
    ),
    "wrong solution without its incident": (
        "solutions/toy/wrong/adds_two_0.py",
        "Incident:",
        "",
        "declares no Incident",
    ),
    "wrong solution that fails a step that is not there": (
        "solutions/toy/wrong/adds_two_0.py",
        "Fails: 1",
        "Fails: 1, 9",
        "declares to fail step 9; the steps are 1, 2",
    ),
    "wrong solution that is no Python": (
        "solutions/toy/wrong/adds_two_0.py",
        "def double(n):",
        "def double(n:",
        "is not valid Python",
    ),
    "wrong solution that repeats the solution": (
        "solutions/toy/wrong/adds_two_0.py",
        "n + 2",
        "2 * n",
        "solutions/toy/wrong/adds_two_0.py:9: double equals the reference's",
    ),
    "solution that is no Python": ("solutions/toy/toy.py", "def double(n):", "def double(n:", "is not valid Python"),
    "name that the stub lacks": (
        "solutions/toy/toy.py",
        "import time",
        "import time\n\nLIMIT = 3",
        "has the public name LIMIT",
    ),
    "name that the solution lacks": ("solutions/toy/toy.py", "def double", "def _double", "lacks double"),
}


@pytest.mark.parametrize("rule", TEXT_RULES)
def test_broken_rule_of_the_texts_is_told(whole, rule):
    path, old, new, expected = TEXT_RULES[rule]
    whole.change(path, old, new)
    assert any(expected in line for line in told(whole)), told(whole)


def test_file_of_no_step_and_second_title_of_a_step_are_told(whole):
    whole.write("exercises/toy/test_more.py", "def test_more():\n    pass\n")
    assert "exercises/toy/test_more.py: is the tests of no step; call it test_<step>_<title>.py" in told(whole)
    whole.write("exercises/toy/test_2_take_two.py", TESTS[TEST_2].replace("take one", "take two"))
    [line] = [line for line in told(whole) if "use one title" in line]
    assert line.startswith("exercises/toy/test_2_take_two.py:6: calls step 2 'take two', and before 'take one'")


def test_stub_that_names_no_step_is_told(whole):
    whole.change("exercises/toy/toy.py", "step 1: double it", "later")
    whole.commit_again()
    assert any("names no step of the tests" in line for line in told(whole))


RUN_RULES = {
    "stub that passes": (
        TEST_1,
        "    got = double(3)",
        "    got = 6",
        "the untouched stub passes test_three_is_doubled",
    ),
    "solution that fails": (
        "solutions/toy/toy.py",
        "2 * n",
        "n + 2",
        "solutions/toy/toy.py: does not pass test_three_is_doubled",
    ),
    "alternative that fails": (
        "solutions/toy/alternatives/by_adding.py",
        "n + n",
        "n + 2",
        "alternatives/by_adding.py: does not pass",
    ),
    "wrong solution that is right": (
        "solutions/toy/wrong/adds_two_0.py",
        "n + 2",
        "n + n",
        "declares `Fails: 1` and fails nothing",
    ),
    "wrong solution that fails another step": (
        "solutions/toy/wrong/adds_two_0.py",
        "Fails: 1",
        "Fails: 2",
        "declares `Fails: 2` and fails 1",
    ),
    "wrong solution that says something else": (
        "solutions/toy/wrong/adds_two_0.py",
        "Says: half",
        "Says: a quarter of",
        "which no failure message holds",
    ),
    "wrong solution that cannot be imported": (
        "solutions/toy/wrong/adds_two_0.py",
        "def double(n):",
        "import nothing_there\n\n\ndef double(n):",
        "a wrong solution has to run",
    ),
    "too few wrong solutions": ("solutions/toy/wrong/adds_two_0.py", None, None, "holds 8 wrong solutions"),
    "test that nothing fails": (
        "solutions/toy/wrong/takes_the_last.py",
        None,
        None,
        "no wrong solution fails test_one_is_taken",
    ),
}


@pytest.mark.parametrize("rule", RUN_RULES)
def test_broken_rule_of_the_grades_is_told(whole, rule, monkeypatch):
    path, old, new, expected = RUN_RULES[rule]
    for number in range(1, 8):  # fewer runs: these rules need one wrong solution
        (whole.root / f"solutions/toy/wrong/adds_two_{number}.py").unlink()
    monkeypatch.setattr("journal.course.grades.MIN_WRONG", 2)
    if old is None:
        (whole.root / path).unlink()
        expected = expected.replace("holds 8", "holds 1")
    else:
        whole.change(path, old, new)
    assert any(expected in line for line in told(whole, run=True)), told(whole, run=True)


def test_learners_file_does_not_matter_once_the_stub_is_committed(whole):
    whole.write("exercises/toy/toy.py", "broken(")
    assert told(whole, run=True) == []


def test_without_git_a_changed_stub_is_the_learners_and_not_checked(toy):
    toy.complete()
    toy.body("return 2 * n")
    (exercise,) = find_exercises(toy.root)
    said = []
    assert check_texts(exercise) + check_twins(exercise) + check_grades([exercise], tell=said.append) == []
    assert said == ["toy: stub not checked (without git it may be yours), 2 solutions, 9 wrong solutions"]


def test_mistake_that_is_demanded_and_not_among_the_wrong_solutions_is_told(toy):
    (exercise,) = find_exercises(toy.root)
    toy.write("exercises/toy/course.toml", '[[demands]]\nmistake = "an endless loop"\nsays = ["seconds", "turns"]\n')
    said = {"solutions/toy/wrong/a.py": "got 5", "solutions/other/wrong/b.py": "after 10 real seconds"}
    assert [str(problem) for problem in missing_mistakes(exercise, said)] == [
        "solutions/toy/wrong: holds no wrong solution that is an endless loop; add one"
    ]
    assert missing_mistakes(exercise, {**said, "solutions/toy/wrong/c.py": "went on for 200000 turns"}) == []


def test_command_names_the_file_and_an_unknown_slug_is_misuse(whole, monkeypatch):
    monkeypatch.setenv("REDRIVE_ROOT", str(whole.root))
    (whole.root / "solutions/toy/NOTES.md").unlink()
    failed = CliRunner().invoke(command, ["--texts"])
    assert "solutions/toy/NOTES.md: is missing" in str(failed.exception)
    assert "there are toy" in CliRunner().invoke(command, ["tyo"]).output
    whole.write("solutions/toy/NOTES.md", "# Notes\n")
    assert "No problems in toy." in CliRunner().invoke(command, ["--texts"]).output
