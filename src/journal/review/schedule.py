"""When each card comes back: FSRS-6 with default parameters, replayed from the history, no clock read.

The only module that imports py-fsrs (6.3). What it uses, so that a port in another language can agree to the second:

- `Scheduler(enable_fuzzing=False)`: the 21 default parameters, desired retention 0.9, learning steps 1 and 10 minutes,
  one relearning step of 10 minutes, intervals of 1 to 36,500 whole days, rounded half to even.
- `Scheduler.review_card(card, rating, review_datetime=at)` for each review in (instant, id) order, and nothing else.
  A new card is `Card(card_id=0, state=Learning, step=0, due=at)`, every argument given, because the defaults read the
  clock. Elapsed time is floored to whole days (`timedelta.days`); a review under one whole day after the last uses the
  short-term rule. `due = at + interval` to the microsecond.

What this module adds: a lapse is "again" given in the review state; events undone and cards unknown are
left out; a failed exercise step makes a card due without touching its stability (`CardState.pulled_at`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from fsrs import Card as FsrsCard
from fsrs import Rating, Scheduler, State

from journal.review.day import day_ends_at
from journal.review.history.events import effective

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta, tzinfo

    from journal.content.cards import Decks
    from journal.review.history.events import Event

LEECH_LAPSES = 8
RATINGS: Mapping[int, str] = {1: "again", 2: "hard", 3: "good", 4: "easy"}

_SCHEDULER = Scheduler(enable_fuzzing=False)
_NAMES: Mapping[State, Literal["learning", "review", "relearning"]] = {
    State.Learning: "learning",
    State.Review: "review",
    State.Relearning: "relearning",
}
_STATES = {name: state for state, name in _NAMES.items()}


@dataclass(frozen=True, slots=True)
class CardState:
    """What is known of one card that was reviewed at least once.

    Attributes:
        card: its id.
        state: `learning`, `review` or `relearning`.
        step: index into the learning or relearning steps, from 0; None in `review`.
        stability: days after which recall has fallen to 90 %.
        difficulty: 1 (easy) to 10.
        scheduled_at: the instant FSRS brings it back, UTC.
        pulled_at: the instant of the failed exercise run that made it due earlier, or None. It stays until the next
            review: passing later does not show that the fact is remembered.
        last_review_at: UTC.
        reviews: how many count.
        lapses: how often it was forgotten after having been learned.
    """

    card: str
    state: Literal["learning", "review", "relearning"]
    step: int | None
    stability: float
    difficulty: float
    scheduled_at: datetime
    pulled_at: datetime | None
    last_review_at: datetime
    reviews: int
    lapses: int

    @property
    def due_at(self) -> datetime:
        """When it is due, UTC: as scheduled, or when a failed step pulled it forward."""
        return self.scheduled_at if self.pulled_at is None else min(self.scheduled_at, self.pulled_at)

    @property
    def is_leech(self) -> bool:
        """Whether it lapsed so often that it should be rewritten."""
        return self.lapses >= LEECH_LAPSES


def replay(
    events: Iterable[Event], decks: Decks, before: Mapping[str, CardState] | None = None
) -> dict[str, CardState]:
    """Return the state of every card of `decks` that `events` review, by card id.

    The order of `events` does not matter. Reviews of cards that the decks lack (retired, renamed) are ignored.

    Args:
        events: the history, or what came after `before`, which must then be later than all of it and undo none of it.
        decks: the cards.
        before: what an earlier replay returned.
    """
    states = dict(before or {})
    by_step: dict[str, list[str]] = {}
    for card in decks.cards.values():
        if card.step:
            by_step.setdefault(card.step, []).append(card.id)
    for event in effective(events):
        if event.kind == "review":
            name = event.fields["card"]
            if name in decks.cards:
                states[name] = review(states.get(name), name, event.fields["rating"], event.at)
        elif event.kind == "run":
            for step, outcome in event.fields["steps"].items():
                if outcome == "failed":
                    _pull(states, by_step.get(f"{event.fields['slug']}/{step}", ()), event.at)
    return states


def review(before: CardState | None, card: str, rating: int, at: datetime) -> CardState:
    """Return the state after the review of `card` with `rating` (1 to 4) at the instant `at` (UTC)."""
    after, _log = _SCHEDULER.review_card(_fsrs_card(before, at), Rating(rating), review_datetime=at)
    assert after.stability is not None
    assert after.difficulty is not None
    forgotten = before is not None and before.state == "review" and rating == Rating.Again
    return CardState(
        card=card,
        state=_NAMES[after.state],
        step=after.step,
        stability=after.stability,
        difficulty=after.difficulty,
        scheduled_at=after.due,
        pulled_at=None,
        last_review_at=at,
        reviews=(before.reviews if before else 0) + 1,
        lapses=(before.lapses if before else 0) + forgotten,
    )


def preview(state: CardState | None, at: datetime) -> dict[int, timedelta]:
    """Return the interval that each rating (1 to 4), given at the instant `at`, would lead to."""
    return {rating: review(state, "", rating, at).scheduled_at - at for rating in RATINGS}


def retrievability(state: CardState, at: datetime) -> float:
    """Return the predicted probability of recall at the instant `at`, 0 to 1; it steps once a whole day."""
    return float(_SCHEDULER.get_card_retrievability(_fsrs_card(state, at), current_datetime=at))


def due_today(states: Mapping[str, CardState], now: datetime, zone: tzinfo | None = None) -> list[CardState]:
    """Return what falls due before the next 04:00 local after `now`, longest overdue first."""
    ends_at = day_ends_at(now, zone)
    return sorted(
        (state for state in states.values() if state.due_at < ends_at), key=lambda state: (state.due_at, state.card)
    )


def interval_words(interval: timedelta) -> str:
    """Return `interval` in the largest unit that fits: `1 min`, `10 min`, `3 h`, `2 days`, `5.1 months`."""
    minutes = interval.total_seconds() / 60
    if minutes < 60:
        return f"{minutes:.0f} min"
    if minutes < 24 * 60:
        return f"{minutes / 60:.0f} h"
    days = interval.days
    if days < 60:
        return "1 day" if days == 1 else f"{days} days"
    if days < 365:
        return f"{days / 30.44:.1f} months"
    return f"{days / 365.25:.1f} years"


def _pull(states: dict[str, CardState], cards: Iterable[str], at: datetime) -> None:
    for name in cards:
        state = states.get(name)
        # Only cards already reviewed, and the first failure since then.
        if state is not None and state.pulled_at is None:
            states[name] = replace(state, pulled_at=at)


def _fsrs_card(state: CardState | None, at: datetime) -> FsrsCard:
    if state is None:
        return FsrsCard(card_id=0, state=State.Learning, step=0, due=at)
    return FsrsCard(
        card_id=0,
        state=_STATES[state.state],
        step=state.step,
        stability=state.stability,
        difficulty=state.difficulty,
        due=state.scheduled_at,
        last_review=state.last_review_at,
    )
