"""The facts of seven days. They depend on the history, on git, and on the dates; no clock is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from journal.review.day import DAY_STARTS_H
from journal.review.history.events import effective
from journal.review.schedule import CardState, replay, retrievability, review
from journal.review.stats import Retention, leeches
from journal.week.calibration import Said, calibration
from journal.week.commits import Commit, commits_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from journal.content.cards import Decks
    from journal.content.exercises import Exercise
    from journal.content.library import Library
    from journal.content.weeks import Week
    from journal.review.history.events import Event

PICKS = 5


@dataclass(frozen=True, slots=True)
class Day:
    """One journal day; `commits` is None where git knows nothing. Hit means that the history has something of it."""

    on: date
    reviews: int
    runs: int
    statements: int
    commits: int | None

    @property
    def hit(self) -> bool:
        """Whether cards were reviewed, an exercise was run, or confidence was stated."""
        return bool(self.reviews or self.runs or self.statements)


@dataclass(frozen=True, slots=True)
class ExerciseWeek:
    """An exercise that was run in the week.

    Attributes:
        slug: which.
        runs: how many in the week.
        new_steps: steps that passed for the first time ever.
        passed_on: the day on which its last core step first passed; None while one is missing.
        core: how many core steps had ever passed at the end of the week, of `core_steps`.
    """

    slug: str
    runs: int
    new_steps: tuple[int, ...]
    passed_on: date | None
    core: int
    core_steps: int


@dataclass(frozen=True, slots=True)
class TopicWeek:
    """A topic whose cards were reviewed in the week; `retention` is that of cards learned before."""

    topic: str
    reviews: int
    cards: int
    lapsed: int
    retention: Retention


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision that was added or changed in the week."""

    number: int
    title: str
    path: str
    added: bool


@dataclass(frozen=True, slots=True)
class Pick:
    """A card of an earlier week to ask again.

    Attributes:
        recall: the schedule's estimate at the end of the week, 0 to 1.
        pulled_on: the day of a failed exercise step that has made it due since its last review, else None.
    """

    card: str
    topic: str
    recall: float
    pulled_on: date | None


@dataclass(frozen=True, slots=True)
class WeekFacts:
    """All of it, each part in a fixed order. `commits` is None where git knows nothing."""

    dates: tuple[date, date]
    days: tuple[Day, ...]
    exercises: tuple[ExerciseWeek, ...]
    topics: tuple[TopicWeek, ...]
    leeches: tuple[CardState, ...]
    commits: tuple[Commit, ...] | None
    decisions: tuple[Decision, ...]
    picks: tuple[Pick, ...]
    never_asked: tuple[str, ...]
    said: tuple[Said, ...]

    @property
    def days_hit(self) -> int:
        """How many days the history has something of."""
        return sum(day.hit for day in self.days)

    @property
    def exercises_passed(self) -> int:
        """How many exercises were passed for the first time."""
        first, last = self.dates
        return sum(one.passed_on is not None and first <= one.passed_on <= last for one in self.exercises)


def gather(library: Library, week: Week, events: Iterable[Event]) -> WeekFacts:
    """Return the facts of `week`, which must have dates; `events` is the whole history."""
    assert week.dates is not None
    first, last = week.dates
    decks = library.decks
    past = [event for event in effective(events) if event.local_date <= last]
    now = [event for event in past if event.local_date >= first]
    commits = commits_between(library.root, first, last)
    ends_at = datetime.combine(last + timedelta(days=1), time(DAY_STARTS_H), UTC)
    earlier = _earlier_topics(library, week)
    picks, never = _picks(past, decks, earlier, ends_at)
    return WeekFacts(
        dates=week.dates,
        days=tuple(_day(first + timedelta(days=ahead), now, commits) for ahead in range((last - first).days + 1)),
        exercises=tuple(_exercises(library.exercises, past, first)),
        topics=tuple(_topics(past, decks, first)),
        leeches=tuple(leeches(past, decks)),
        commits=None if commits is None else tuple(commits),
        decisions=tuple(_decisions(library, commits or [])),
        picks=tuple(picks),
        never_asked=tuple(never),
        said=tuple(calibration(past, decks, since=first)),
    )


def _day(on: date, events: Sequence[Event], commits: Sequence[Commit] | None) -> Day:
    kinds = Counter(event.kind for event in events if event.local_date == on)
    made = None if commits is None else sum(commit.on == on for commit in commits)
    return Day(on, kinds["review"], kinds["run"], kinds["confidence"], made)


def _exercises(exercises: Iterable[Exercise], past: Sequence[Event], first: date) -> Iterable[ExerciseWeek]:
    for exercise in exercises:
        passed: dict[int, date] = {}
        runs = 0
        for event in past:
            if event.kind == "run" and event.fields["slug"] == exercise.slug:
                runs += event.local_date >= first
                for number, outcome in event.fields["steps"].items():
                    if outcome == "passed":
                        passed.setdefault(int(number), event.local_date)
        if runs:
            core = [step.n for step in exercise.core]
            done = [passed[number] for number in core if number in passed]
            complete = bool(core) and len(done) == len(core)
            yield ExerciseWeek(
                exercise.slug,
                runs,
                tuple(sorted(number for number, on in passed.items() if on >= first)),
                max(done) if complete else None,
                len(done),
                len(core),
            )


def _topics(past: Sequence[Event], decks: Decks, first: date) -> Iterable[TopicWeek]:
    states: dict[str, CardState] = {}
    reviews: Counter[str] = Counter()
    lapsed: Counter[str] = Counter()
    learned: Counter[str] = Counter()
    remembered: Counter[str] = Counter()
    seen: dict[str, set[str]] = {}
    for event in past:
        card = decks.cards.get(event.fields["card"]) if event.kind == "review" else None
        if card is None:
            continue
        before = states.get(card.id)
        states[card.id] = after = review(before, card.id, event.fields["rating"], event.at)
        if event.local_date < first:
            continue
        reviews[card.topic] += 1
        seen.setdefault(card.topic, set()).add(card.id)
        lapsed[card.topic] += after.lapses - (before.lapses if before else 0)
        if before is not None and before.state == "review":
            learned[card.topic] += 1
            remembered[card.topic] += event.fields["rating"] > 1
    for topic in decks.topics:
        if reviews[topic]:
            held = Retention(learned[topic], remembered[topic])
            yield TopicWeek(topic, reviews[topic], len(seen[topic]), lapsed[topic], held)


def _decisions(library: Library, commits: Sequence[Commit]) -> Iterable[Decision]:
    added = {number for commit in commits for number in commit.added}
    changed = {number for commit in commits for number in commit.changed}
    for adr in library.decisions:
        if adr.number in added | changed:
            yield Decision(adr.number, adr.title, adr.path, adr.number in added)


def _earlier_topics(library: Library, week: Week) -> list[str]:
    """Return the topics that are not this week's own, nor a later one's: recall pages belong to no week."""
    not_yet = {topic for lesson in library.lessons if lesson.day >= week.first_day for topic in lesson.decks}
    return [topic for topic, deck in library.decks.topics.items() if topic not in not_yet and deck.cards]


def _picks(past: Sequence[Event], decks: Decks, topics: Sequence[str], at: datetime) -> tuple[list[Pick], list[str]]:
    """Return the weakest card of each topic, worst first, and the topics that were never asked."""
    weakest: list[Pick] = []
    never = []
    states = replay(past, decks)
    days = {event.at: event.local_date for event in past}
    for topic in topics:
        found = [states[card.id] for card in decks.topics[topic].cards if card.id in states]
        if not found:
            never.append(topic)
            continue
        chances = {state.card: retrievability(state, at) for state in found}
        # A failed step has shown what the schedule only estimates.
        worst = min(found, key=lambda state: (state.pulled_at is None, chances[state.card], state.card))
        pulled_on = None if worst.pulled_at is None else days[worst.pulled_at]
        weakest.append(Pick(worst.card, topic, chances[worst.card], pulled_on))
    weakest.sort(key=lambda pick: (pick.pulled_on is None, pick.recall, pick.topic))
    return weakest[:PICKS], never
