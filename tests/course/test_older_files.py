"""A learner's file outlives a new version of its exercise: the journal notices it and lays it over the new stub."""

from __future__ import annotations

import pytest

from grading.lay_over import lay_over
from grading.splice import SpliceError
from journal.content.older_files import is_older, notice
from journal.content.settings import Change, Course
from journal.course.reset import ResetError, reset

from .conftest import SOLVED, STUB

FILE = "exercises/toy/toy.py"
COURSE = Course(version=2, changes=(Change(2, "the docstrings are rewritten"),))
NEW = STUB.replace("Return twice n.", "Return n, doubled.").replace('"""Write this', '"""Please write this')


POOL = '''\
"""{0}."""

import math
{1}
LIMIT = {2}
{3}

class Pool:
    """{0}."""

    def take(self):
        """{0}."""
        {4}

    def give(self):
        """{0}."""
        raise NotImplementedError
'''


@pytest.fixture
def changed(toy):
    """A toy whose stub has changed since the learner solved it."""
    toy.commit()
    toy.write(FILE, NEW)
    toy.commit()
    toy.write(FILE, SOLVED)
    return toy


def test_a_file_of_an_earlier_version_is_noticed_with_what_changed_and_what_to_do(changed):
    first, second = notice(changed.root, "toy", COURSE)
    assert first == (
        f"{FILE} was written for an earlier version of the exercise. Since then the docstrings are rewritten."
    )
    assert second.endswith(f"journal reset toy --code {FILE}")


def test_a_file_of_this_version_is_not_noticed_whatever_its_docstrings_say(changed):
    for text in (NEW, SOLVED.replace("Return twice n.", "Return n, doubled.").replace('"""Write', '"""Please write'),
                 NEW.replace("Return n, doubled.", "My own words."), "def double(n:\n", ""):  # fmt: skip
        changed.write(FILE, text)
        assert not is_older(changed.root, "toy")
    changed.write(FILE, SOLVED)
    assert notice(changed.root, "toy", Course()) == []


def test_a_missing_file_and_a_journal_without_git_have_no_notice(toy):
    assert not is_older(toy.root, "toy")
    (toy.root / FILE).unlink()
    assert not is_older(toy.root, "toy")


def test_a_reset_lays_the_code_over_the_new_stub_and_keeps_the_file(changed):
    done = reset(changed.root, "toy", changed.root / FILE)
    assert done.kept.read_text() == SOLVED
    laid = done.file.read_text()
    assert laid == SOLVED.replace("Return twice n.", "Return n, doubled.").replace(
        '"""Write this', '"""Please write this'
    )
    assert not is_older(changed.root, "toy")
    again = reset(changed.root, "toy", done.kept)
    assert again.file.read_text() == laid


@pytest.mark.parametrize(
    ("code", "says"),
    [("def double(n:\n", "not valid Python"), ("print(1)\n", "defines nothing"), (None, "No such file")],
)
def test_code_that_cannot_be_laid_over_changes_nothing(changed, tmp_path, code, says):
    file = tmp_path / "mine.py"
    if code is not None:
        file.write_text(code)
    with pytest.raises(ResetError, match=says):
        reset(changed.root, "toy", file)
    assert (changed.root / FILE).read_text() == SOLVED
    assert not (changed.root / ".redrive/kept").exists()


def test_helpers_imports_constants_and_classes_come_along():
    stub = POOL.format("New", "", 1, "", "raise NotImplementedError")
    helper = '\n\ndef _helper():\n    """Mine."""\n    return 1\n'
    code = POOL.format("Old", "import json\n", 2, helper, "return json.dumps(_helper())")
    laid = lay_over(stub, code)
    for part in ("import json", "LIMIT = 2", '    """Mine."""', "return json.dumps(_helper())"):
        assert laid.count(part) == 1
    assert "Old" not in laid
    assert laid.count('"""New."""') == 4
    assert laid.count("raise NotImplementedError") == 1


def test_an_unwritten_file_gives_the_stub_and_a_class_without_changes_stays():
    assert lay_over(NEW, STUB) == NEW
    stub = "class Pool:\n    def take(self):\n        raise NotImplementedError\n\n    def give(self):\n        pass\n"
    assert lay_over(stub, "class Pool:\n    def give(self):\n        pass\n") == stub


def test_a_name_that_is_defined_twice_is_refused():
    with pytest.raises(SpliceError, match="twice"):
        lay_over(STUB, "def double(n):\n    return 1\n\n\ndef double(n):\n    return 2\n")


def test_texts_below_constants_and_imports_for_annotations_alone_are_no_obstacle():
    stub = (
        'from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from redis import Redis\n\nKEY = "a"\n"""New."""\n'
    )
    code = (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from collections.abc import (\n"
        "        Mapping,\n    )\n"
        '    from redis import Redis\n\nKEY = "b"\n"""Old."""\n'
    )
    laid = lay_over(stub, code)
    compile(laid, "laid", "exec")
    assert laid.count("Redis") == laid.count("Mapping") == 1
    assert 'KEY = "b"\n"""New."""' in laid
    assert lay_over(stub, laid) == laid
