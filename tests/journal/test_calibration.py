"""Confidence against outcome: which outcomes belong to which statement, and what so few of them show."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from journal.content.library import library
from journal.review.history import new_event
from journal.week.calibration import calibration, caveat, pooled

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def decks(folder):
    return library(folder.path).decks


def stated(value, hours, topic="backoff"):
    return new_event("confidence", {"topic": topic, "value": value}, NOON + timedelta(hours=hours), UTC)


def reviewed(card, rating, hours):
    fields = {"card": card, "rating": rating, "where": "page"}
    return new_event("review", fields, NOON + timedelta(hours=hours), UTC)


def ran(hours, slug="backoff", **steps):
    fields = {"slug": slug, "steps": {name[5:]: outcome for name, outcome in steps.items()}, "code_sha": "a" * 40}
    return new_event("run", fields, NOON + timedelta(hours=hours), UTC)


def seen(events, decks, **named):
    return [(one.value, one.right, one.outcomes) for one in calibration(events, decks, **named)]


def test_what_came_before_a_statement_is_not_its_outcome(decks):
    assert seen([reviewed("backoff-01", 1, -1), stated(5, 0)], decks) == [(5, 0, 0)]


def test_first_review_of_each_card_counts_and_practice_does_not(decks):
    events = [stated(4, 0), reviewed("backoff-01", 1, 1), reviewed("backoff-01", 3, 2), reviewed("backoff-02", 2, 3)]
    assert seen(events, decks) == [(4, 1, 2)]


def test_first_begun_run_counts_by_step_and_an_untouched_stub_does_not(decks):
    events = [
        stated(3, 0),
        ran(1, step_1="not_started", step_2="not_started"),
        ran(2, step_1="passed", step_2="failed", step_3="not_started"),
        ran(3, step_1="passed", step_2="passed"),
    ]
    assert seen(events, decks) == [(3, 1, 2)]


def test_exercise_counts_for_a_topic_whose_cards_belong_to_its_steps(decks, folder):
    folder.change("docs/quizzes/backoff.yml", "step: backoff/2", "step: other/2")
    events = [stated(2, 0), ran(1, slug="other", step_1="passed"), ran(2, slug="third", step_1="passed")]
    assert seen(events, library(folder.path).decks) == [(2, 1, 1)]


def test_next_statement_takes_over(decks):
    events = [stated(5, 0), reviewed("backoff-01", 1, 1), stated(2, 2), reviewed("backoff-01", 3, 3)]
    assert seen(events, decks) == [(5, 0, 1), (2, 1, 1)]


def test_statements_on_other_topics_and_unknown_cards_are_apart(decks):
    events = [stated(5, 0, "tls"), reviewed("backoff-01", 1, 1), reviewed("gone-01", 1, 1), ran(2, step_1="failed")]
    assert seen(events, decks) == [(5, 0, 0)]


def test_undone_statement_never_was(decks):
    statement = stated(5, 0)
    undo = new_event("undo", {"event": statement.id}, NOON + timedelta(hours=1), UTC)
    assert seen([statement, undo, reviewed("backoff-01", 1, 2)], decks) == []


def test_since_leaves_out_earlier_outcomes_and_statements_without_any_after(decks):
    events = [
        stated(5, -48),
        reviewed("backoff-01", 3, -47),
        reviewed("backoff-02", 1, 1),
        reviewed("backoff-01", 1, 2),
        stated(1, -72, "tls"),
    ]
    assert seen(events, decks, since=date(2026, 11, 24)) == [(5, 0, 1)]
    assert seen(events, decks) == [(1, 0, 0), (5, 1, 2)]


def test_topic_pools_its_statements(decks):
    events = [stated(5, 0), reviewed("backoff-01", 1, 1), stated(2, 2), reviewed("backoff-01", 3, 3)]
    (one,) = pooled(calibration(events, decks))
    assert (one.statements, one.said, one.right, one.outcomes, one.share) == (2, 3.5, 1, 2, 0.5)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (0, "Nothing was asked"),
        (1, "One outcome in all: too few"),
        (9, "9 outcomes in all: too few"),
        (10, "10 outcomes"),
    ],
)
def test_caveat_grows_no_bolder_than_the_sample(outcomes, expected):
    assert caveat(outcomes).startswith(expected)
    assert ("too few" in caveat(outcomes)) == (0 < outcomes < 10)
