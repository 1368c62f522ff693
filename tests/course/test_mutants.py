"""Mutants: one change each under a lasting name; a known kill and a known survivor are told apart; no hole is left."""

import ast
import os

import pytest

from journal.course import find_exercises
from journal.course.audit import AuditError, audit, read_equivalents
from journal.course.mutants import mutants_of
from tests.course.conftest import ROOT

SLUGS = [exercise.slug for exercise in find_exercises(ROOT) if not exercise.graded_against]
SCALE = float(os.environ.get("LONG_SCALE", "1"))
SOLUTION = "solutions/toy/toy.py"
LIST = "solutions/toy/equivalent.toml"
NEEDLESS = "return 2 * n if n < 100 else 2 * n"
"""A solution's line whose comparison no caller can see: a mutant of it must survive."""


def listed(change, function="double", occurrence=1, reason="both branches are the same"):
    return (
        f"[[equivalent]]\nfunction = {function!r}\nchange = {change!r}\n"
        f"occurrence = {occurrence}\nreason = {reason!r}\n"
    )


@pytest.fixture
def needless(toy):
    """Make the toy complete, with a survivor in its solution."""
    toy.complete()
    toy.change(SOLUTION, "return 2 * n", NEEDLESS)
    return toy


def audited(toy, **named):
    (exercise,) = find_exercises(toy.root)
    return audit(exercise, **named)


def test_every_mutant_is_valid_python_and_differs_in_one_place():
    text = "def f(n):\n    '''Say.'''\n    if not n < 2 and n:\n        n = n + 1\n    n -= 4\n    return n\n"
    found = mutants_of(text)
    assert {mutant.what for mutant in found} == {
        "n < 2, with LtE",
        "not n < 2, without not",
        "not n < 2 and n, with Or",
        "2 as 3",
        "4 as 5",
        "n + 1, with Sub",
        "n -= 4, with Add",
        "1 as 2",
        "without `n = n + 1`",
        "without `n -= 4`",
        "without `return n`",
    }
    original = ast.unparse(ast.parse(text)).splitlines()
    for mutant in found:
        changed = ast.unparse(ast.parse(mutant.text)).splitlines()
        assert sum(one != two for one, two in zip(original, changed, strict=True)) == 1


def test_guard_is_taken_away_and_its_body_stays():
    (mutant,) = [one for one in mutants_of("def f():\n    with lock:\n        n = g()\n") if "kept" in one.what]
    assert mutant.what == "without `with lock:`, its body kept"
    assert "nullcontext" in mutant.text
    assert "n = g()" in mutant.text


def test_name_of_a_mutant_outlives_new_lines_above_it_and_tells_twins_apart():
    text = "class A:\n    def f(self, n):\n        g(1)\n        h(1)\n\n    def k(self):\n        h(1)\n"
    names = [mutant.name for mutant in mutants_of(text) if mutant.what == "1 as 2"]
    assert names == [("A.f", "1 as 2", 1), ("A.f", "1 as 2", 2), ("A.k", "1 as 2", 1)]
    later = mutants_of("import os\n\n\ndef new():\n    return 1\n\n\n" + text)
    assert [one.name for one in later if one.what == "1 as 2"][1:] == names
    assert len({one.name for one in later}) == len(later)


def test_known_survivor_is_found_and_known_kills_are_counted(needless):
    """The audit can be believed in both directions.

    Did: gave a solution a comparison that changes nothing, beside lines that the tests look at.
    Saw: the mutants of the comparison are named as survivors, with the line; every other one is killed.
    Otherwise: a tool that runs nothing reports either no survivor at all or nothing else.
    """
    found = audited(needless)
    alive = {one.what for one in found.alive}
    assert {"n < 100, with LtE", "100 as 101"} <= alive
    assert all("100" in what or "2 * n" in what or what == "2 as 3" for what in alive)
    assert found.killed == found.tried - len(found.alive) >= 3
    killed = {one.what for one in mutants_of((needless.root / SOLUTION).read_text())} - alive
    assert "without `return 2 * n if n < 100 else 2 * n`" in killed
    faults = [str(fault) for fault in found.faults()]
    assert any(fault.startswith(f"{SOLUTION}:") and "n < 100, with LtE" in fault for fault in faults)


def test_survivor_with_a_reason_is_justified_and_the_others_are_not(needless):
    needless.write(LIST, listed("n < 100, with LtE") + listed("100 as 101"))
    found = audited(needless)
    assert {one.what for one in found.justified} == {"n < 100, with LtE", "100 as 101"}
    assert {one.what for one in found.alive} & {"n < 100, with LtE", "100 as 101"} == set()


def test_listed_mutant_that_a_test_kills_is_told(needless):
    needless.write(LIST, listed("without `return 2 * n if n < 100 else 2 * n`"))
    assert any("and a test kills it" in str(fault) for fault in audited(needless).faults())


def test_listed_mutant_that_is_none_any_more_is_told(needless):
    needless.write(LIST, listed("n < 99, with LtE"))
    assert any("is no mutant of the solution" in str(fault) for fault in audited(needless, at_most=1).faults())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("equivalent = 3\n", "something else than"),
        ("[[equivalent]\n", "is no TOML"),
        (listed("a", reason=""), "entry 1 has a fault in reason"),
        (listed("a").replace("change", "changes"), "entry 1 has a fault in change, changes"),
        (listed("a") + listed("a"), "twice"),
    ],
)
def test_list_of_equivalents_with_a_fault_is_told(toy, text, expected):
    toy.complete()
    toy.write(LIST, text)
    (exercise,) = find_exercises(toy.root)
    assert [problem for problem in read_equivalents(exercise)[1] if expected in str(problem)] != []


def test_solution_that_does_not_pass_is_not_audited(toy):
    """No kill is counted where everything fails.

    Did: audited a solution that fails its own tests.
    Saw: the audit is refused before any mutant is tried.
    Otherwise: every mutant would have been reported as killed.
    """
    toy.complete()
    toy.change(SOLUTION, "2 * n", "n + 2")
    with pytest.raises(AuditError, match="does not pass as it is"):
        audited(toy)


def test_mutant_that_cannot_be_graded_is_no_kill(toy, monkeypatch):
    """A run that gave no report says nothing about the mutant.

    Did: let every run after the solution's end without a report.
    Saw: the audit is refused.
    Otherwise: a broken overlay would have counted as a perfect test suite.
    """
    toy.complete()
    text = (toy.root / "exercises/conftest.py").read_text()
    ending = "import os as _os\nif 'return 2 * n' not in open('exercises/toy/toy.py').read(): _os._exit(3)\n"
    toy.write("exercises/conftest.py", text.replace("import pytest\n", "import pytest\n" + ending, 1))
    with pytest.raises(AuditError, match="could not be graded"):
        audited(toy)


@pytest.mark.parametrize("slug", SLUGS)
def test_equivalents_are_listed_with_a_reason_and_exist(slug):
    exercise = next(one for one in find_exercises(ROOT) if one.slug == slug)
    reasons, problems = read_equivalents(exercise)
    assert not problems, problems
    names = {mutant.name for mutant in mutants_of(exercise.text("solution"))}
    assert [name for name in reasons if name not in names] == []
    assert [name for name, reason in reasons.items() if not reason.rstrip().endswith(".")] == []


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.parametrize("slug", SLUGS)
def test_every_mutant_of_a_solution_is_killed_or_listed_with_the_reason(slug):
    exercise = next(one for one in find_exercises(ROOT) if one.slug == slug)
    count = len(mutants_of(exercise.text("solution")))
    found = audit(exercise, at_most=min(count, max(10, round(count * SCALE))))
    assert not found.faults(), "\n".join(str(fault) for fault in found.faults())
