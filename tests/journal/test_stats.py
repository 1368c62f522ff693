"""What the history adds up to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from journal.content.library import library
from journal.review.history import new_event
from journal.review.schedule import replay
from journal.review.stats import (
    Retention,
    Streaks,
    confidence,
    days_hit,
    forecast,
    leeches,
    retention,
    reviews_a_day,
    streaks,
)

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)


@pytest.fixture
def decks(folder):
    return library(folder.path).decks


def rated(rating, at, card="backoff-01"):
    return new_event("review", {"card": card, "rating": rating, "where": "page"}, at, UTC)


def test_days_are_counted_by_journal_day_and_undone_answers_are_not():
    late = rated(3, datetime(2026, 11, 25, 3, 0, tzinfo=UTC))
    run = new_event("run", {"slug": "backoff", "steps": {}, "code_sha": "a" * 40}, NOON - timedelta(2), UTC)
    gone = rated(3, NOON - timedelta(5))
    undo = new_event("undo", {"event": gone.id}, NOON, UTC)
    events = [late, run, gone, undo, rated(3, NOON)]
    assert days_hit(events) == [date(2026, 11, 22), TODAY]
    assert reviews_a_day(events) == {TODAY: 2}


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        ([], Streaks(0, 0)),
        ([0], Streaks(1, 1)),
        ([1], Streaks(1, 1)),
        ([2], Streaks(0, 1)),
        ([0, 1, 2, 5, 6, 7, 8], Streaks(3, 4)),
        ([1, 2, 4], Streaks(2, 2)),
        ([3, 4], Streaks(0, 2)),
    ],
)
def test_streaks(ago, expected):
    assert streaks([TODAY - timedelta(days=n) for n in ago], TODAY) == expected


def test_retention_counts_only_cards_that_had_been_learned(decks):
    events = [rated(1, NOON), rated(4, NOON + timedelta(minutes=1))]
    assert retention(events, decks) == {}
    events += [rated(3, NOON + timedelta(9)), rated(1, NOON + timedelta(40)), rated(3, NOON + timedelta(40, 900))]
    assert retention(events, decks) == {"backoff": Retention(reviews=2, remembered=1)}
    assert Retention(2, 1).share == 0.5
    assert Retention(0, 0).share is None


def test_forecast_puts_what_is_overdue_on_today(decks):
    states = replay(
        [
            rated(3, NOON - timedelta(3)),
            rated(4, NOON, "backoff-02"),
            rated(4, NOON - timedelta(7), "backoff-03"),
        ],
        decks,
    )
    assert forecast(states, NOON, 9, UTC) == [1, 1, 0, 0, 0, 0, 0, 0, 1]
    assert sum(forecast(states, NOON, 8, UTC)) == 2


def test_leeches_come_worst_first(decks):
    events, at = [rated(4, NOON), rated(4, NOON, "backoff-02")], NOON
    for n in range(10):
        at += timedelta(10)
        for card in ("backoff-01", "backoff-02")[: 2 if n < 8 else 1]:
            events += [rated(1, at, card), rated(3, at + timedelta(minutes=10), card)]
    assert [(state.card, state.lapses) for state in leeches(events, decks)] == [("backoff-01", 10), ("backoff-02", 8)]


def test_confidence_is_what_was_said_last():
    events = [new_event("confidence", {"topic": "backoff", "value": n}, NOON + timedelta(hours=n)) for n in (4, 2, 3)]
    assert confidence(events) == {"backoff": 4}
