"""The schedule: a pure, repeatable function of the history."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import fsrs
import pytest

from journal.content.library import library
from journal.review.day import day_begins_at, day_ends_at, day_of
from journal.review.history import new_event
from journal.review.schedule import due_today, interval_words, preview, replay, retrievability, review

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CARD = "backoff-01"


def rated(rating, at, card=CARD):
    return new_event("review", {"card": card, "rating": rating, "where": "page"}, at, UTC)


def ran(at, **steps):
    named = {name.removeprefix("step_"): outcome for name, outcome in steps.items()}
    return new_event("run", {"slug": "backoff", "steps": named, "code_sha": "a" * 40}, at, UTC)


@pytest.fixture
def decks(folder):
    return library(folder.path).decks


def test_replay_agrees_with_py_fsrs_given_the_same_reviews(decks):
    chance = random.Random(5)
    for _ in range(50):
        at, events = NOON, []
        card = fsrs.Card(card_id=1, due=at)
        scheduler = fsrs.Scheduler(enable_fuzzing=False)
        for _ in range(chance.randrange(1, 12)):
            at += timedelta(seconds=chance.choice([30, 900, 40_000, 86_400, 900_000]))
            rating = chance.randrange(1, 5)
            events.append(rated(rating, at))
            card, _log = scheduler.review_card(card, fsrs.Rating(rating), at)
        chance.shuffle(events)
        state = replay(events, decks)[CARD]
        assert state.stability == card.stability
        assert state.difficulty == card.difficulty
        assert state.due_at == card.due
        assert state.state == card.state.name.lower()


def test_first_reviews_give_the_documented_intervals():
    assert preview(None, NOON) == {
        1: timedelta(minutes=1),
        2: timedelta(minutes=5, seconds=30),
        3: timedelta(minutes=10),
        4: timedelta(days=8),
    }
    good_twice = review(review(None, CARD, 3, NOON), CARD, 3, NOON + timedelta(minutes=10))
    assert (good_twice.state, good_twice.due_at) == ("review", NOON + timedelta(minutes=10, days=2))


def test_neither_clock_nor_chance_is_read(decks, monkeypatch):
    def refuse(*_args):
        raise AssertionError("the schedule read the clock, slept or drew")

    class NoClock(datetime):
        now = utcnow = refuse

    monkeypatch.setattr(time, "sleep", refuse)
    monkeypatch.setattr("fsrs.card.datetime", NoClock)
    monkeypatch.setattr("fsrs.scheduler.datetime", NoClock)
    monkeypatch.setattr("fsrs.scheduler.random", refuse)
    events = [rated(4, NOON), rated(1, NOON + timedelta(30)), rated(3, NOON + timedelta(31))]
    state = replay(events, decks)[CARD]
    assert 0 < retrievability(state, NOON + timedelta(40)) < 1
    assert preview(state, NOON + timedelta(40))[4] > timedelta(1)


def test_review_of_an_unknown_card_is_ignored(decks):
    assert replay([rated(3, NOON, card="gone-01")], decks) == {}


def test_undone_review_leaves_no_trace(decks):
    first, second = rated(3, NOON), rated(1, NOON + timedelta(1))
    undo = new_event("undo", {"event": second.id}, NOON + timedelta(1, 5))
    assert replay([first, second, undo], decks) == replay([first], decks)


def test_lapse_counts_only_a_card_that_had_been_learned(decks):
    events = [rated(1, NOON), rated(4, NOON + timedelta(minutes=5))]
    assert replay(events, decks)[CARD].lapses == 0
    events.append(rated(1, NOON + timedelta(20)))
    state = replay(events, decks)[CARD]
    assert (state.lapses, state.state, state.reviews) == (1, "relearning", 3)
    events.append(rated(1, NOON + timedelta(20, 60)))
    assert replay(events, decks)[CARD].lapses == 1


def test_card_is_a_leech_from_the_eighth_lapse(decks):
    events, at = [rated(4, NOON)], NOON
    for lapse in range(1, 9):
        at += timedelta(10)
        events += [rated(1, at), rated(3, at + timedelta(minutes=10))]
        assert replay(events, decks)[CARD].is_leech == (lapse == 8)


def test_failed_step_makes_its_reviewed_cards_due_and_changes_nothing_else(decks):
    reviewed = [rated(4, NOON)]
    before = replay(reviewed, decks)[CARD]
    failed_at = NOON + timedelta(hours=1)
    after = replay([*reviewed, ran(failed_at, step_1="passed", step_2="failed")], decks)
    assert list(after) == [CARD], "a card never reviewed stays new"
    state = after[CARD]
    assert state.due_at == failed_at
    assert (state.stability, state.difficulty, state.lapses) == (before.stability, before.difficulty, before.lapses)
    assert preview(state, NOON + timedelta(8)) == preview(before, NOON + timedelta(8))


@pytest.mark.parametrize("outcome", ["passed", "not_started", "local_only"])
def test_step_that_did_not_fail_makes_nothing_due(decks, outcome):
    reviewed = [rated(4, NOON)]
    assert replay([*reviewed, ran(NOON + timedelta(1), step_2=outcome)], decks) == replay(reviewed, decks)


def test_failed_step_before_the_first_review_makes_nothing_due(decks):
    assert replay([ran(NOON, step_2="failed"), rated(4, NOON + timedelta(1))], decks)[CARD].pulled_at is None


def test_card_made_due_by_a_failure_stays_so_until_it_is_reviewed(decks):
    events = [rated(4, NOON), ran(NOON + timedelta(hours=1), step_2="failed")]
    events.append(ran(NOON + timedelta(hours=2), step_2="passed"))
    events.append(ran(NOON + timedelta(hours=3), step_2="failed"))
    assert replay(events, decks)[CARD].due_at == NOON + timedelta(hours=1)
    events.append(rated(3, NOON + timedelta(hours=4)))
    assert replay(events, decks)[CARD].pulled_at is None


def test_due_today_is_what_falls_due_before_four_in_the_morning(decks):
    zone = ZoneInfo("Europe/Berlin")
    states = replay([rated(4, NOON)], decks)
    due_at = states[CARD].due_at
    assert due_at == NOON + timedelta(8)
    evening = datetime(2026, 12, 2, 1, 0, tzinfo=zone)
    assert due_today(states, evening, zone) == []
    assert due_today(states, evening + timedelta(hours=3), zone) == [states[CARD]]


def test_day_begins_at_four_also_where_the_clocks_change():
    zone = ZoneInfo("Europe/Berlin")
    late = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert day_of(late, zone).isoformat() == "2026-10-24"
    assert day_ends_at(late, zone) == datetime(2026, 10, 25, 3, 0, tzinfo=UTC)
    assert day_begins_at(day_of(NOON, zone), zone) == datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=10), "10 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=59), "59 days"),
        (timedelta(days=155), "5.1 months"),
        (timedelta(days=900), "2.5 years"),
    ],
)
def test_interval_is_worded_in_the_largest_unit_that_fits(interval, words):
    assert interval_words(interval) == words


def test_only_the_schedule_imports_py_fsrs(pytestconfig):
    source = pytestconfig.rootpath / "src" / "journal"
    users = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if any(line.startswith(("import fsrs", "from fsrs")) for line in path.read_text(encoding="utf-8").splitlines())
    ]
    assert users == ["review/schedule.py"]
