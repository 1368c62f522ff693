"""Tests that learners write: put to right and wrong implementations, and told by consequence what slips through."""

from __future__ import annotations

import os
import random
import sys
import types

import pytest

from grading import examine as examine_module
from grading.examine import Request, examine, in_place_of, still_unwritten
from grading.overlay import grade, graded_against
from journal.course import find_exercises
from tests.course.conftest import ROOT

NAME = "exercises.backoff.backoff"
SLUG = "testbackoff"
SUITE = """\
import pytest
from exercises.backoff.backoff import ceiling_s

@pytest.fixture
def base():
    return 2

@pytest.mark.parametrize("n", [1, 2])
def test_ceiling_grows(n, base):
    assert ceiling_s(n) == base * n

def test_other_things():
    raise RuntimeError("not asked for")
"""
RIGHT = "def ceiling_s(n):\n    return 2 * n\n"


@pytest.fixture
def suite(tmp_path):
    def write(text):
        file = tmp_path / "suite.py"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def put(file, implementation, **named):
    return examine(file, Request("test_ceiling", NAME, implementation, "implementation.py", **named))


def test_suite_accepts_what_is_right_with_everything_of_pytest(suite):
    ran = put(suite(SUITE), RIGHT)
    assert (ran.accepts, ran.passed) == (True, ["test_ceiling_grows[1]", "test_ceiling_grows[2]"])


def test_suite_refuses_what_is_wrong_and_says_where(suite):
    ran = put(suite(SUITE), RIGHT.replace("2 * n", "n + 1"))
    assert not ran.accepts
    assert (ran.passed, ran.failed) == (["test_ceiling_grows[1]"], "test_ceiling_grows[2]")
    assert ran.why.startswith("line 10: assert 3 == (2 * 2)")


def test_suite_without_a_test_accepts_nothing(suite):
    assert not put(suite("x = 1\n"), RIGHT).accepts


def test_tests_that_are_not_written_are_told_at_their_line(suite):
    file = suite('def test_ceiling():\n    raise NotImplementedError("step 1: write it")\n')
    ran = put(file, RIGHT)
    assert (ran.accepts, ran.unwritten) == (False, ("step 1: write it", 2))
    with pytest.raises(NotImplementedError, match="step 1: write it") as caught:
        still_unwritten(ran, file)
    assert (str(caught.traceback[-1].path), caught.traceback[-1].lineno + 1) == (str(file), 2)


def test_not_implemented_in_an_implementation_is_a_refusal(suite):
    ran = put(suite(SUITE), "def ceiling_s(n):\n    raise NotImplementedError('step 1: mine')\n")
    assert (ran.accepts, ran.unwritten) == (False, None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing can be ended without fork")
@pytest.mark.parametrize(
    "body", ["while True: pass", "return 1 if sum(range(10**12)) else 0", "import os; os._exit(0)"]
)
def test_implementation_that_never_answers_is_refused(suite, monkeypatch, body):
    """No implementation takes the grader with it.

    Did: gave the tests functions that loop in Python, loop in C, and end the process.
    Saw: each is refused within the limit of processor time, and the grader goes on.
    Otherwise: the run would hang or end without a word.
    """
    monkeypatch.setattr(examine_module, "LIMIT_CPU_S", 1)
    ran = put(suite(SUITE), f"def ceiling_s(n):\n    {body}\n")
    assert not ran.accepts
    assert put(suite(SUITE), RIGHT).accepts


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing can be ended without fork")
def test_implementation_that_waits_is_refused(suite, monkeypatch):
    monkeypatch.setattr(examine_module, "LIMIT_S", 0.5)
    ran = put(suite(SUITE), "def ceiling_s(n):\n    import time\n    time.sleep(60)\n")
    assert (ran.accepts, "had not ended" in ran.why) == (False, True)


@pytest.mark.parametrize("forked", [True, False])
def test_nothing_is_left_of_a_run(suite, monkeypatch, forked):
    if not forked:
        monkeypatch.delattr(os, "fork", raising=False)
    before, state = sys.modules.get(NAME), random.getstate()
    path, plugins = list(sys.path), os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    assert put(suite(SUITE), RIGHT).accepts
    assert sys.modules.get(NAME) is before
    assert random.getstate() == state
    assert (list(sys.path), os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")) == (path, plugins)
    assert "suite" not in sys.modules


@pytest.mark.skipif(not hasattr(os, "fork"), reason="in one process a module's deeds stay")
def test_no_run_finds_what_another_has_left(suite):
    """Implementations cannot help or harm each other.

    Did: ran a suite on an implementation that leaves a mark in builtins, then on one that looks for it.
    Saw: the second finds nothing, though both are children of the same waiting pytest.
    Otherwise: the verdict on an implementation would depend on the one before it.
    """
    file = suite(
        "from exercises.backoff.backoff import ceiling_s\nSEEN = []\n"
        "def test_ceiling():\n    SEEN.append(ceiling_s(1))\n    assert SEEN == [False]\n"
    )
    text = (
        "import builtins\n\ndef ceiling_s(n):\n    found = hasattr(builtins, 'left')\n"
        "    builtins.left = n\n    return found\n"
    )
    first = put(file, text)
    waiting = examine_module._Waiting.current
    assert first.accepts
    assert put(file, text).accepts
    assert examine_module._Waiting.current is waiting


def test_suite_that_has_changed_is_read_again(suite):
    assert put(suite(SUITE), RIGHT).accepts
    assert not put(suite(SUITE.replace("base * n", "base + 5")), RIGHT).accepts


def test_module_takes_a_place_whose_package_is_not_there():
    module = types.ModuleType("no_such_package.inside")
    module.value = 3
    with in_place_of("no_such_package.inside", module):
        from no_such_package.inside import value
    assert value == 3
    assert "no_such_package.inside" not in sys.modules


def test_chance_in_a_test_is_seeded(suite):
    file = suite(
        "import random\nfrom exercises.backoff.backoff import ceiling_s\n"
        "def test_ceiling():\n    assert ceiling_s(1) == random.random()\n"
    )
    implementation = f"def ceiling_s(n):\n    return {random.Random(5).random()!r}\n"
    assert put(file, implementation, seed=5).accepts
    assert not put(file, implementation, seed=6).accepts


@pytest.mark.parametrize(
    ("drawn", "chance"),
    [
        ("random.random()", True),
        ("random.Random().random()", True),
        ("Random().random()", True),
        ("random.Random(3).random()", False),
        ("Random(3).random()", False),
        ("0.5", False),
    ],
)
def test_second_seed_is_tried_where_the_tests_draw_from_what_it_decides(suite, drawn, chance):
    """A suite with an unseeded source gets its verdict from the seed, not from the moment.

    Did: ran suites that draw from the module's source, from a `Random()` without a seed, with one, and not at all.
    Saw: the same draws for the same seed, others for another; the first two are known to have drawn.
    Otherwise: a suite that fails now and then would be accepted now and then, or all would be run twice.
    """
    text = "import random\nfrom random import Random\nfrom exercises.backoff.backoff import ceiling_s\n"
    file = suite(text + f"def test_ceiling():\n    raise KeyError({drawn})\n")
    first, again, other = (put(file, RIGHT, seed=seed) for seed in (1, 1, 2))
    assert {first.chance, again.chance, other.chance} == {chance}
    assert first.why == again.why
    assert (first.why != other.why) is chance


def graded(text):
    return grade(ROOT, SLUG, text)


def messages(found):
    return [test.message for step in found.steps for test in step.tests if test.outcome == "failed"]


def test_what_slips_through_is_told_by_its_consequence_and_not_by_its_code():
    """The learner reads the incident, never the mistake.

    Did: graded a suite whose tests of the ceiling can fail and look at one value alone.
    Saw: each failure of step 2 quotes the incident of a wrong solution; none names its file or its mistake.
    Otherwise: the message would give the missing test away.
    """
    text = (
        "from exercises.backoff.backoff import ceiling_s\n\n"
        "def test_ceiling():\n    assert abs(ceiling_s(1, base_s=0.5, cap_s=30.0) - 0.5) < 1e-9\n"
    )
    found = graded(text)
    step = next(step for step in found.steps if step.n == 2)
    told = [test for test in step.tests if test.outcome == "failed"]
    assert len(told) >= 10
    wrong = [*ROOT.glob("solutions/backoff/wrong/*.py"), *ROOT.glob(f"solutions/{SLUG}/implementations/wrong/*.py")]
    incidents = {" ".join(file.read_text().split("Incident:")[1].split("\nFails:")[0].split()) for file in wrong}
    for test in told:
        said = " ".join(test.message.split())
        assert any(incident in said for incident in incidents), said
        assert not [file.stem for file in wrong if file.stem in said or file.stem in test.name]
        assert not [file for file in wrong if file.read_text().split('"""')[1].splitlines()[0] in said]
    assert [step.outcome for step in found.steps] == ["passed", "failed", "failed", "failed"]
    assert any("there are none" in message for message in messages(found))


def test_learners_own_backoff_plays_no_part(toy):
    """The suite is graded on the course's implementations.

    Did: graded the solution's suite in a copy whose exercises/backoff/backoff.py cannot even be imported.
    Saw: every step passed.
    Otherwise: the tests would have been put to the learner's file.
    """
    from grading.overlay import Sources

    solution = (ROOT / f"solutions/{SLUG}/{SLUG}.py").read_text(encoding="utf-8")
    broken = Sources({"exercises/backoff/backoff.py": "this is no Python\n"})
    found = grade(ROOT, SLUG, solution, sources=broken)
    assert found.everything_passed, messages(found)


def test_suite_that_cannot_be_read_is_told_with_its_line():
    found = graded("def test_ceiling(:\n    pass\n")
    assert found.broken is not None
    assert f"exercises/{SLUG}/{SLUG}.py:1 is not valid Python" in found.broken


def test_exercises_of_code_are_graded_against_nothing():
    kinds = {exercise.slug: exercise.graded_against for exercise in find_exercises(ROOT)}
    assert kinds[SLUG] == "backoff"
    assert {kind for slug, kind in kinds.items() if slug != SLUG} == {None}
    assert graded_against(ROOT, "backoff") is None
