"""Confidence against outcome: what was said of a topic beforehand, and how the first asking after it went.

A statement covers what comes after it, until the next statement on the same topic. Of each card only the first review
counts, and of each exercise the first run with a step that was begun: whatever comes later has been practised. A review
came out right unless it was rated "again"; a step of a run came out right if it passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.review.history.events import effective

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from journal.content.cards import Decks
    from journal.review.history.events import Event

FEW = 10
"""Below so many outcomes a share says next to nothing: 7 of 10 fits a skill from 35 to 93 % (exact binomial, 95 %)."""


@dataclass(frozen=True, slots=True)
class Said:
    """One statement and what happened after it.

    Attributes:
        topic: of the deck.
        value: 1 (not at all) to 5 (sure).
        on: the journal day of the statement.
        right: how many outcomes came out right, of `outcomes`.
        last_on: the journal day of the last of them; None without any.
    """

    topic: str
    value: int
    on: date
    right: int
    outcomes: int
    last_on: date | None

    @property
    def share(self) -> float | None:
        """`right / outcomes`, 0 to 1; None when nothing happened yet."""
        return self.right / self.outcomes if self.outcomes else None


@dataclass(frozen=True, slots=True)
class Pooled:
    """All statements on one topic together; `said` is their mean."""

    topic: str
    statements: int
    said: float
    right: int
    outcomes: int

    @property
    def share(self) -> float | None:
        """`right / outcomes`, 0 to 1; None when nothing happened yet."""
        return self.right / self.outcomes if self.outcomes else None


def calibration(events: Iterable[Event], decks: Decks, *, since: date | None = None) -> list[Said]:
    """Return every statement with what happened after it, by instant.

    Args:
        events: the history up to where one wants to look.
        decks: the cards; reviews of cards that they lack are left out.
        since: leave out what happened before that journal day, and statements of before without anything since.
    """
    topics_of: dict[str, list[str]] = {}
    for card in decks.cards.values():
        if card.step:
            topics = topics_of.setdefault(card.step.partition("/")[0], [])
            if card.topic not in topics:
                topics.append(card.topic)
    done: list[_Open] = []
    current: dict[str, _Open] = {}
    for event in effective(events):
        if event.kind == "confidence":
            statement = _Open(event.fields["topic"], event.fields["value"], event.local_date)
            current[statement.topic] = statement
            done.append(statement)
        elif event.kind == "review":
            asked = decks.cards.get(event.fields["card"])
            if asked is not None and asked.topic in current:
                current[asked.topic].review(asked.id, event, since)
        elif event.kind == "run":
            slug = event.fields["slug"]
            for topic in {slug, *topics_of.get(slug, ())} & current.keys():
                current[topic].run(slug, event.fields["steps"], event.local_date, since)
    found = [statement.closed() for statement in done]
    return [said for said in found if since is None or said.on >= since or said.outcomes]


def pooled(said: Iterable[Said]) -> list[Pooled]:
    """Return the statements of each topic together, by topic."""
    by_topic: dict[str, list[Said]] = {}
    for one in said:
        by_topic.setdefault(one.topic, []).append(one)
    return [
        Pooled(
            topic,
            len(ones),
            sum(one.value for one in ones) / len(ones),
            sum(one.right for one in ones),
            sum(one.outcomes for one in ones),
        )
        for topic, ones in sorted(by_topic.items())
    ]


def caveat(outcomes: int) -> str:
    """Return what a reader must know about `outcomes` outcomes: how little they show."""
    if outcomes == 0:
        return "Nothing was asked after these statements, so there is nothing to compare them with yet."
    if outcomes < FEW:
        number = "One outcome" if outcomes == 1 else f"{outcomes} outcomes"
        return f"{number} in all: too few to tell skill from luck. Below {FEW} a share means next to nothing."
    return f"{outcomes} outcomes in all; a topic with fewer than {FEW} of its own still shows little more than luck."


class _Open:
    def __init__(self, topic: str, value: int, on: date) -> None:
        self.topic = topic
        self.value = value
        self.on = on
        self.right = 0
        self.outcomes = 0
        self.last_on: date | None = None
        self.asked: set[str] = set()

    def review(self, card: str, event: Event, since: date | None) -> None:
        if card not in self.asked:
            self.asked.add(card)
            self._count(int(event.fields["rating"] > 1), 1, event.local_date, since)

    def run(self, slug: str, steps: Mapping[str, str], on: date, since: date | None) -> None:
        begun = [outcome for outcome in steps.values() if outcome in {"passed", "failed"}]
        name = f"exercise {slug}"
        if begun and name not in self.asked:
            self.asked.add(name)
            self._count(begun.count("passed"), len(begun), on, since)

    def _count(self, right: int, outcomes: int, on: date, since: date | None) -> None:
        if since is None or on >= since:
            self.right += right
            self.outcomes += outcomes
            self.last_on = on

    def closed(self) -> Said:
        return Said(self.topic, self.value, self.on, self.right, self.outcomes, self.last_on)
