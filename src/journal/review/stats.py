"""What the history adds up to: reviews a day, retention, forecast, leeches, days hit and streaks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from journal.review.day import day_of
from journal.review.history.events import effective
from journal.review.schedule import CardState, replay, review

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime, tzinfo

    from journal.content.cards import Decks
    from journal.review.history.events import Event


@dataclass(frozen=True, slots=True)
class Retention:
    """Of the reviews of cards that had been learned (state `review`), how many were remembered."""

    reviews: int
    remembered: int

    @property
    def share(self) -> float | None:
        """`remembered / reviews`, 0 to 1; None when nothing was reviewed."""
        return self.remembered / self.reviews if self.reviews else None


@dataclass(frozen=True, slots=True)
class Streaks:
    """Runs of consecutive journal days with work; `current` reaches to today, or to yesterday while today is open."""

    current: int
    longest: int


def days_hit(events: Iterable[Event]) -> list[date]:
    """Return the journal days with a review, a run or a stated confidence, in order."""
    return sorted({event.local_date for event in effective(events)})


def streaks(days: Iterable[date], today: date) -> Streaks:
    """Return the current and the longest run of consecutive days among `days`."""
    hit = set(days)
    longest = current = 0
    for day in sorted(hit):
        if day - timedelta(days=1) in hit:
            continue
        length = _run_from(day, hit)
        longest = max(longest, length)
        if day <= today and day + timedelta(days=length) >= today:
            current = length
    return Streaks(current, longest)


def reviews_a_day(events: Iterable[Event]) -> Counter[date]:
    """Return how many reviews each journal day had."""
    return Counter(event.local_date for event in effective(events) if event.kind == "review")


def retention(events: Iterable[Event], decks: Decks) -> dict[str, Retention]:
    """Return the retention of each topic whose learned cards were reviewed, in deck order."""
    states: dict[str, CardState] = {}
    reviews: Counter[str] = Counter()
    remembered: Counter[str] = Counter()
    for event in effective(events):
        card = decks.cards.get(event.fields["card"]) if event.kind == "review" else None
        if card is None:
            continue
        before = states.get(card.id)
        if before is not None and before.state == "review":
            reviews[card.topic] += 1
            remembered[card.topic] += event.fields["rating"] > 1
        states[card.id] = review(before, card.id, event.fields["rating"], event.at)
    return {topic: Retention(reviews[topic], remembered[topic]) for topic in decks.topics if reviews[topic]}


def forecast(states: Mapping[str, CardState], now: datetime, days: int, zone: tzinfo | None = None) -> list[int]:
    """Return how many cards fall due on each of the next `days` journal days; the first is today, overdue included."""
    today = day_of(now, zone)
    counts = [0] * days
    for state in states.values():
        ahead = max(0, (day_of(state.due_at, zone) - today).days)
        if ahead < days:
            counts[ahead] += 1
    return counts


def leeches(events: Iterable[Event], decks: Decks) -> list[CardState]:
    """Return the cards that lapsed so often that they should be rewritten, worst first."""
    found = [state for state in replay(events, decks).values() if state.is_leech]
    return sorted(found, key=lambda state: (-state.lapses, state.card))


def confidence(events: Iterable[Event]) -> dict[str, int]:
    """Return the confidence (1 to 5) last stated for each topic."""
    return {event.fields["topic"]: event.fields["value"] for event in effective(events) if event.kind == "confidence"}


def _run_from(day: date, hit: set[date]) -> int:
    length = 0
    while day + timedelta(days=length) in hit:
        length += 1
    return length


def passed_steps(events: Iterable[Event]) -> dict[str, set[int]]:
    """Return the steps that were ever passed, by exercise; `events` are those that count."""
    passed: dict[str, set[int]] = {}
    for event in events:
        if event.kind == "run":
            steps = {int(number) for number, outcome in event.fields["steps"].items() if outcome == "passed"}
            passed.setdefault(event.fields["slug"], set()).update(steps)
    return passed


def last_outcomes(events: Iterable[Event], slug: str) -> dict[int, str]:
    """Return how each step of exercise `slug` came out the last time it was run; `events` are those that count."""
    outcomes: dict[int, str] = {}
    for event in events:
        if event.kind == "run" and event.fields["slug"] == slug:
            outcomes.update({int(number): outcome for number, outcome in event.fields["steps"].items()})
    return outcomes
