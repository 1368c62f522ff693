"""A sitting: what is asked, in which order, what is recorded, what an undo takes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from journal.content.library import library
from journal.review.history import History, new_event
from journal.review.sitting import NEW_A_DAY, Sitting

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        self.now += timedelta(seconds=7)
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / "history.jsonl")


@pytest.fixture
def sit(folder, history, clock):
    decks = library(folder.path).decks

    def begin(**options):
        return Sitting(decks, history, where="terminal", clock=clock, zone=UTC, **options)

    return begin


def asked(sitting):
    names = []
    while sitting.card:
        names.append(sitting.card.id)
        sitting.skip()
    return names


def rated(card, rating, at):
    return new_event("review", {"card": card, "rating": rating, "where": "page"}, at, UTC)


def test_due_cards_come_first_then_new_ones(sit, history):
    history.append(rated("backoff-02", 3, NOON - timedelta(1)), rated("backoff-03", 4, NOON - timedelta(1)))
    assert asked(sit()) == ["backoff-02", "backoff-01"]


def test_everything_asks_also_what_is_not_due(sit, history):
    history.append(rated("backoff-01", 4, NOON - timedelta(1)))
    assert asked(sit(everything=True)) == ["backoff-02", "backoff-03", "backoff-01"]


def test_topic_limits_the_sitting(sit, folder):
    assert asked(sit(topic="other")) == []
    assert len(asked(sit(topic="backoff"))) == 3


def test_answer_is_in_the_file_before_the_next_card_is_shown(sit, history):
    sitting = sit()
    after = sitting.rate(4)
    [event] = history.load().events
    assert (event.fields["card"], event.fields["rating"], event.fields["where"]) == ("backoff-01", 4, "terminal")
    assert after.last_review_at == event.at
    assert sitting.card.id == "backoff-02"


def test_missed_card_comes_again_at_the_end(sit):
    sitting = sit()
    sitting.rate(1)
    assert asked(sitting) == ["backoff-02", "backoff-03", "backoff-01"]


def test_undo_takes_the_answer_back_everywhere(sit, history):
    sitting = sit()
    fresh = sitting.intervals()
    sitting.rate(1)
    assert sitting.undo().id == "backoff-01"
    assert asked(sitting) == ["backoff-01", "backoff-02", "backoff-03"]
    assert [event.kind for event in history.load().events] == ["review", "undo"]
    again = sit()
    assert again.state(again.card) is None
    assert again.intervals() == fresh


def test_undo_of_nothing_records_nothing(sit, history):
    assert sit().undo() is None
    assert history.load().events == ()


def test_intervals_shown_are_those_that_ratings_give(sit, history):
    history.append(rated("backoff-01", 3, NOON - timedelta(9)), rated("backoff-01", 3, NOON - timedelta(8)))
    for rating in (1, 2, 3, 4):
        sitting = sit()
        shown = sitting.intervals()[rating]
        after = sitting.rate(rating)
        assert after.scheduled_at - after.last_review_at == shown
        sitting.undo()


def test_two_sittings_see_each_others_answers(sit):
    sit().rate(4)
    assert asked(sit()) == ["backoff-02", "backoff-03"]


def test_summary_counts_answers_and_what_comes_back_today(sit):
    sitting = sit()
    sitting.rate(4)
    sitting.rate(3)
    sitting.rate(1)
    sitting.rate(3)
    summary = sitting.summary()
    assert dict(summary.ratings) == {4: 1, 3: 2, 1: 1}
    assert (summary.cards, summary.due_again) == (3, 2)
    assert NOON < summary.next_due_at < NOON + timedelta(hours=1)


def test_answer_that_cannot_be_written_leaves_the_card(sit, history):
    sitting = sit()
    history.path.mkdir()
    with pytest.raises(OSError, match=r"history\.jsonl"):
        sitting.rate(3)
    assert (sitting.card.id, sitting.answered) == ("backoff-01", 0)


def test_new_cards_are_limited_each_day(sit, folder, history, clock):
    cards = "".join(
        f"  - {{id: more-{n:02}, question: q, answer: a, lesson: 'lessons/day-137-retries.md#full-jitter'}}\n"
        for n in range(NEW_A_DAY * 2)
    )
    folder.write("docs/quizzes/more.yml", f"topic: more\ntitle: More\ncards:\n{cards}")
    decks = library(folder.path).decks

    def begin():
        return Sitting(decks, history, where="terminal", clock=clock, zone=UTC)

    sitting = begin()
    assert sitting.left == NEW_A_DAY
    for _ in range(4):
        sitting.rate(4)
    assert begin().left == NEW_A_DAY - 4
    clock.now += timedelta(days=1)
    assert begin().left == NEW_A_DAY
