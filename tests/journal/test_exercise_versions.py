"""A run keeps what it meant when steps are split: it records the exercise's version, and old numbers are translated."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from journal.content.library import library
from journal.content.settings import Change
from journal.review.history import EventError, History, Renumbering, default_history, effective, new_event, read_events
from journal.review.learner_runs import record_run
from journal.review.schedule import replay
from journal.review.standing import standing
from journal.review.stats import last_outcomes, passed_steps

OLD = (Path(__file__).parent / "histories" / "0.5.0.jsonl").read_bytes()
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
SPLIT = Renumbering(
    {"backoff": [Change(2, "step 2 was split", {2: (2, 3), 3: (4,)}), Change(3, "step 1 is gone", {1: ()})]}
)


def ran(version=None, **steps):
    fields = {"slug": "backoff", "steps": {n[1:]: outcome for n, outcome in steps.items()}, "code_sha": "0" * 64}
    return new_event("run", fields | ({} if version is None else {"version": version}), AT)


def test_a_run_without_a_version_is_of_version_1():
    old, first = (
        SPLIT.now(ran(_1="passed", _2="passed", _3="failed")),
        SPLIT.now(ran(1, _1="passed", _2="passed", _3="failed")),
    )
    assert old.fields["steps"] == first.fields["steps"] == {"2": "passed", "3": "passed", "4": "failed"}


def test_a_run_of_a_later_version_needs_only_the_later_changes():
    assert SPLIT.now(ran(2, _1="passed", _2="failed")).fields["steps"] == {"2": "failed"}
    new = ran(3, _1="passed", _2="failed")
    assert SPLIT.now(new) is new


def test_two_steps_that_became_one_passed_only_if_both_passed():
    joined = Renumbering({"backoff": [Change(2, "joined", {2: (1,)})]})
    assert joined.now(ran(_1="passed", _2="failed")).fields["steps"] == {"1": "failed"}
    assert joined.now(ran(_1="passed", _2="passed")).fields["steps"] == {"1": "passed"}


def test_a_history_of_0_5_0_keeps_its_meaning_when_a_step_is_split(folder, tmp_path):
    folder.write(
        "exercises/backoff/course.toml",
        'version = 2\n[[changes]]\nversion = 2\nwhat = "split"\nsteps = {2 = [2, 3], 3 = [4]}\n',
    )
    file = tmp_path / "history.jsonl"
    file.write_bytes(OLD)
    content = library(folder.path)
    assert content.problems == []
    plain = effective(read_events(OLD, "0.5.0.jsonl").events)
    numbers = Renumbering({slug: course.changes for slug, course in content.courses.items()})
    events = effective(History(file, lambda: numbers).load().events)
    was, now = passed_steps(plain)["backoff"], passed_steps(events)["backoff"]
    assert now == {new for old in was for new in {2: (2, 3), 3: (4,)}.get(old, (old,))}
    assert all("version" not in event.fields for event in plain if event.kind == "run")
    assert file.read_bytes() == OLD
    assert [event.line for event in events] == [event.line for event in plain]
    states = standing(History(file, lambda: numbers), content.decks, tmp_path / "cache.json").states
    assert states == replay(events, content.decks)


def test_last_outcomes_and_the_default_history_read_todays_numbers(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("REDRIVE_HISTORY", str(tmp_path / "history.jsonl"))
    monkeypatch.delenv("REDRIVE_NO_HISTORY", raising=False)
    folder.write(
        "exercises/backoff/course.toml", 'version = 2\n[[changes]]\nversion = 2\nwhat = "split"\nsteps = {1 = [1, 2]}\n'
    )
    history = default_history(folder.path)
    history.append(ran(_1="failed"))
    assert last_outcomes(effective(history.load().events), "backoff") == {1: "failed", 2: "failed"}


def test_a_recorded_run_carries_the_declared_version(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("REDRIVE_HISTORY", str(tmp_path / "history.jsonl"))
    for name in ("REDRIVE_NO_HISTORY", "CI"):
        monkeypatch.delenv(name, raising=False)
    folder.write("exercises/backoff/course.toml", "version = 7\n")
    file = folder.path / "exercises/backoff/backoff.py"
    file.write_text("x = 1\n")
    assert record_run("backoff", {1: "passed"}, file)
    assert json.loads((tmp_path / "history.jsonl").read_text())["version"] == 7


@pytest.mark.parametrize("version", [0, "2", 1.0, True])
def test_a_version_is_a_whole_number(version):
    with pytest.raises(EventError, match="version is"):
        ran(version, _1="passed")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = 0", "version must be a whole number"),
        ('[[changes]]\nversion = 3\nwhat = "x"', "version 2 is missing"),
        ("[[changes]]\nversion = 2", "changes must be a list of tables"),
        ('[[changes]]\nversion = 2\nwhat = "x"\nsteps = {a = [1]}', "steps a table"),
    ],
)
def test_a_wrong_declaration_is_named(folder, text, says):
    folder.write("exercises/backoff/course.toml", text + "\n")
    assert any(says in problem.message for problem in library(folder.path).problems)
