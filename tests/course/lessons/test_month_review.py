"""What the lesson of Day 140 claims about recall, the schedule and the version."""

import contextlib
import importlib.metadata
import io
import re
import runpy
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import jobqueue
from journal.content.library import library
from journal.review.history import new_event
from journal.review.schedule import replay, retrievability, review

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def learned(*gaps_days, rating=3):
    """Return the state of a card after reviews with these gaps between them."""
    at, state = NOON, None
    for gap in (0, *gaps_days):
        at += timedelta(days=gap)
        state = review(state, "card", rating, at)
    return state


@pytest.mark.parametrize("gaps", [(1, 3), (2, 9, 30), (1, 5, 20, 60)])
def test_recall_is_ninety_percent_when_the_stability_has_passed(gaps):
    """Stability is defined by the forgetting curve, so the due date is the stability.

    Did: computed the lesson's formula at t = S, and compared py-fsrs with it day by day, for three histories.
    Saw: 0.9 at t = S, and agreement on every day.
    Otherwise: the curve would pass 90 % elsewhere, and a card would fall due too early or too late.
    """
    state = learned(*gaps)
    with contextlib.redirect_stdout(io.StringIO()):
        recall = runpy.run_path(str(ROOT / "solutions/examples/lessons/forgetting.py"))["recall"]

    assert recall(state.stability, state.stability) == pytest.approx(0.9)
    for day in range(100):
        assert retrievability(state, state.last_review_at + timedelta(days=day)) == pytest.approx(
            recall(day, state.stability)
        )
    assert round(state.stability) == (state.due_at - state.last_review_at).days


def test_a_late_pass_lengthens_the_interval_more_than_an_early_one():
    """What was nearly forgotten and recalled all the same has been learned better.

    Did: rated one card good on the day it was due, and one with the same history well after.
    Saw: the late one has the higher stability and the longer interval.
    Otherwise: the two would be equal, as under a scheduler of fixed steps.
    """
    before = learned(1, 4)
    due_days = (before.due_at - before.last_review_at).days
    on_time = review(before, "card", 3, before.last_review_at + timedelta(days=due_days))
    late = review(before, "card", 3, before.last_review_at + timedelta(days=3 * due_days))

    assert late.stability > on_time.stability
    assert late.due_at - late.last_review_at > on_time.due_at - on_time.last_review_at


def test_a_failed_step_makes_its_reviewed_cards_due_and_leaves_stability_alone():
    """A failed exercise is a reason to ask, not an answer.

    Did: reviewed one card of a step twice, left another card of it new, and recorded a run in which the step fails.
    Saw: the first is due from the instant of the run on, with the stability it had; the other is still new.
    Otherwise: the run would count as a review, or change nothing.
    """
    decks = library(ROOT).decks
    step = next(card.step for card in decks.cards.values() if card.step and card.step.startswith("backoff/"))
    slug, number = step.split("/")
    known, new = (card.id for card in decks.of_step(slug, int(number))[:2])
    reviews = [
        new_event("review", {"card": known, "rating": 4, "where": "terminal"}, NOON + timedelta(days=day), UTC)
        for day in (0, 8)
    ]
    failed_at = NOON + timedelta(days=9)
    steps = {"slug": slug, "steps": {number: "failed"}, "code_sha": "a" * 40}

    before = replay(reviews, decks)[known]
    after = replay([*reviews, new_event("run", steps, failed_at, UTC)], decks)

    assert before.due_at > failed_at
    assert after[known].due_at == failed_at
    assert after[known].stability == before.stability
    assert new not in after


def test_version_stands_in_one_place_and_everything_agrees():
    """A version typed twice is wrong in one of the places, sooner or later.

    Did: read the version from the module, the installed metadata, the command line and the CHANGELOG.
    Saw: the same in all four, and the number itself in no other source file.
    Otherwise: one of them would lag behind.
    """
    version = jobqueue.__version__
    said = subprocess.run(
        [str(Path(sys.executable).with_name("jobqueue")), "--version"], capture_output=True, text=True, check=True
    ).stdout
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert importlib.metadata.version("redrive") == version
    assert version in said
    assert newest is not None
    assert newest[1] == version
    typed = [
        path
        for path in (ROOT / "src").rglob("*.py")
        if re.search(rf'version.*"{re.escape(version)}"', path.read_text())
    ]
    assert typed == [ROOT / "src" / "jobqueue" / "__init__.py"]
