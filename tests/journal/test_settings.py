"""What a journal declares of itself: defaults, and each fault with file, line and what the key must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from journal import cli
from journal.content.library import library
from journal.content.settings import Change, Course, Demand, Settings, read_course, read_settings

ROOT = Path(__file__).resolve().parents[2]
HEAD = '[project]\nname = "x"\n\n[tool.journal]\n'


def test_nothing_need_be_declared(tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    assert read_settings(tmp_path) == (Settings(), [])
    assert read_course(tmp_path, "backoff") == (Course(), [])


def test_every_key_is_read(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        HEAD + 'name = "redrive"\ntitle = "Redrive"\ndays_a_week = 5\nweeks_a_month = 3\n'
        '[tool.journal.commands]\nmoves = "jobqueue moves --json"\n'
    )
    assert read_settings(tmp_path) == (Settings("redrive", "Redrive", 5, 3, {"moves": "jobqueue moves --json"}), [])
    (tmp_path / "exercises/pool").mkdir(parents=True)
    (tmp_path / "exercises/pool/course.toml").write_text(
        'order = 4\ngraded_against = "backoff"\npackages = ["prometheus_client"]\n\n'
        'version = 2\n[[demands]]\nmistake = "an endless loop"\nsays = ["turns"]\n'
        '[[changes]]\nversion = 2\nwhat = "step 2 was split"\nsteps = {2 = [2, 3]}\n'
    )
    change = Change(2, "step 2 was split", {2: (2, 3)})
    demand = Demand("an endless loop", ("turns",))
    assert read_course(tmp_path, "pool") == (Course(4, "backoff", ("prometheus_client",), (demand,), 2, (change,)), [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            'name = "Redrive"',
            "pyproject.toml:5: name must be lower-case words joined by '-', as 'redrive', got 'Redrive'",
        ),
        ("title = 3", "pyproject.toml:5: title must be a text of one line, got 3"),
        ("days_a_week = 0", "pyproject.toml:5: days_a_week must be a whole number from 1 to 31, got 0"),
        ("weeks_a_month = true", "pyproject.toml:5: weeks_a_month must be a whole number from 1 to 5, got True"),
        (
            "weeks = 4",
            "pyproject.toml:5: has no key 'weeks'; known are commands, days_a_week, name, title, weeks_a_month",
        ),
        ('[tool.journal.commands]\nmoves = ""', "pyproject.toml:5: commands must be a text of one line"),
        ("commands = 3", "pyproject.toml:5: commands must be a table of command lines by name"),
    ],
)
def test_fault_of_the_journal_is_reported_with_its_line(folder, text, says):
    folder.write("pyproject.toml", HEAD + text + "\n")
    [problem] = library(folder.path).problems
    assert str(problem).startswith(says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('order = "first"', ":1: order must be a whole number from 1 to 999, got 'first'"),
        ("packages = [1]", ':1: packages must be a list of names of packages, as ["prometheus_client"], got [1]'),
        ("graded_against = 'Back off'", ":1: graded_against must be the slug of an exercise, as 'backoff'"),
        ("order = 1\n[[demands]]\nmistake = 'x'", ":2: demands must be a list of tables `[[demands]]`"),
        ("demands = 1", ":1: demands must be a list of tables `[[demands]]`"),
        ("order 1", ": is not TOML: "),
    ],
)
def test_fault_of_an_exercise_is_reported_with_its_line(folder, text, says):
    folder.write("exercises/backoff/course.toml", text + "\n")
    [problem] = library(folder.path).problems
    assert str(problem).startswith(f"exercises/backoff/course.toml{says}")


def test_exercises_come_in_their_declared_order_and_the_others_after_them_by_slug(folder):
    for slug, text in (("zebra", "order = 1"), ("alpaca", ""), ("yak", "order = 2")):
        folder.write(f"exercises/{slug}/README.md", "# x\n")
        folder.write(f"exercises/{slug}/test_1_start.py", "")
        folder.write(f"exercises/{slug}/course.toml", text)
    assert [exercise.slug for exercise in library(folder.path).exercises] == ["zebra", "yak", "alpaca", "backoff"]


def test_this_journals_first_exercise_is_where_readme_and_home_begin():
    first = library(ROOT).exercises[0].slug
    assert f".venv/bin/pytest exercises/{first}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"Begin with [{first}](exercises/{first}.md)" in (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert f"Start with `{first}`" in (ROOT / "exercises/README.md").read_text(encoding="utf-8")
    assert f"Start with *{first}*" in (ROOT / "docs/exercises/index.md").read_text(encoding="utf-8")


def test_the_next_step_of_a_newcomer_is_the_first_of_the_first_exercise(recording, monkeypatch, capsys):
    monkeypatch.setenv("REDRIVE_ROOT", str(ROOT))
    assert cli.run(["next"]) == 0
    first = library(ROOT).exercises[0]
    assert capsys.readouterr().out.startswith(f"Next: {first.slug}, step 1 of {len(first.core)}: ")


def test_every_exercise_of_this_journal_declares_its_own_place():
    places = [course.order for course in library(ROOT).courses.values()]
    assert None not in places
    assert len(set(places)) == len(places)
