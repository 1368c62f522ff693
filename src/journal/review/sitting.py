"""One sitting with the cards: what is asked, in which order, and what comes again at its end.

Terminal and notebook drive it; each answer is in the history before the next card is shown.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from journal.review.day import day_of, now_utc
from journal.review.history.events import effective, new_event
from journal.review.schedule import CardState, due_today, preview, replay, review

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta, tzinfo

    from journal.content.cards import Card, Decks
    from journal.review.history.events import Event
    from journal.review.history.store import History

NEW_A_DAY = 10


@dataclass(frozen=True, slots=True)
class Summary:
    """What a sitting came to: answers by rating, cards seen, and what is due again before the day ends."""

    ratings: Counter[int]
    cards: int
    due_again: int
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Answer:
    card: Card
    event: Event
    before: CardState | None
    rating: int
    asked_again: bool


class Sitting:
    """A queue of cards and the answers so far.

    Args:
        decks: all decks.
        history: where answers go.
        where: `terminal` or `notebook`.
        topic: one deck only, or None for all.
        everything: also what is not due, and new cards without limit.
        clock: returns the present instant, UTC.
        zone: the local time zone, None for the machine's.

    Raises:
        OSError: the history cannot be read.
    """

    def __init__(
        self,
        decks: Decks,
        history: History,
        *,
        where: Literal["terminal", "notebook"],
        topic: str | None = None,
        everything: bool = False,
        clock: Callable[[], datetime] = now_utc,
        zone: tzinfo | None = None,
    ) -> None:
        self._history = history
        self._where = where
        self._clock = clock
        self._zone = zone
        loaded = history.load()
        self.problems = loaded.problems
        self._states = replay(loaded.events, decks)
        cards = [card for card in decks.cards.values() if topic is None or card.topic == topic]
        self._queue = deque(self._pick(cards, loaded.events, everything=everything))
        self._answers: list[_Answer] = []

    @property
    def card(self) -> Card | None:
        """The card to ask now, None when the sitting is over."""
        return self._queue[0] if self._queue else None

    @property
    def left(self) -> int:
        """How many are still to ask, the present one included."""
        return len(self._queue)

    @property
    def waiting(self) -> list[Card]:
        """Those cards, in the order in which they will be asked."""
        return list(self._queue)

    @property
    def answered(self) -> int:
        """How many answers stand."""
        return len(self._answers)

    def state(self, card: Card) -> CardState | None:
        """Return what is known of `card`, None when it is new."""
        return self._states.get(card.id)

    def intervals(self) -> dict[int, timedelta]:
        """Return the interval that each rating would give the present card."""
        return preview(self._states.get(self._present.id), self._clock())

    def rate(self, rating: int) -> CardState:
        """Record `rating` (1 to 4) for the present card and move on; a missed card comes again at the end.

        Raises:
            OSError: the answer could not be written; the card stays.
        """
        card = self._present
        at = self._clock()
        event = new_event("review", {"card": card.id, "rating": rating, "where": self._where}, at, self._zone)
        self._history.append(event)
        before = self._states.get(card.id)
        after = review(before, card.id, rating, event.at)
        self._states[card.id] = after
        self._queue.popleft()
        missed = rating == 1
        if missed:
            self._queue.append(card)
        self._answers.append(_Answer(card, event, before, rating, missed))
        return after

    def skip(self) -> None:
        """Leave the present card for another day; nothing is recorded."""
        self._queue.popleft()

    def undo(self) -> Card | None:
        """Take the last answer of this sitting back and ask its card again; None when there is none.

        Raises:
            OSError: the undo could not be written; the answer stands.
        """
        if not self._answers:
            return None
        last = self._answers[-1]
        self._history.append(
            new_event("undo", {"event": last.event.id, "where": self._where}, self._clock(), self._zone)
        )
        self._answers.pop()
        if last.asked_again:
            self._queue.remove(last.card)
        self._queue.appendleft(last.card)
        if last.before is None:
            del self._states[last.card.id]
        else:
            self._states[last.card.id] = last.before
        return last.card

    def summary(self) -> Summary:
        """Return what the answers that stand came to."""
        seen = {answer.card.id for answer in self._answers}
        due = due_today({name: self._states[name] for name in seen}, self._clock(), self._zone)
        return Summary(
            ratings=Counter(answer.rating for answer in self._answers),
            cards=len(seen),
            due_again=len(due),
            next_due_at=due[0].due_at if due else None,
        )

    @property
    def _present(self) -> Card:
        if not self._queue:
            raise ValueError("the sitting is over: no card is left to rate")
        return self._queue[0]

    def _pick(self, cards: list[Card], events: Iterable[Event], *, everything: bool) -> list[Card]:
        """Due cards, longest overdue first; then new ones in deck order, some a day; then, on request, the rest."""
        by_id = {card.id: card for card in cards}
        now = self._clock()
        due = [by_id[state.card] for state in due_today(self._states, now, self._zone) if state.card in by_id]
        new = [card for card in cards if card.id not in self._states]
        if everything:
            chosen = {card.id for card in (*due, *new)}
            return [*due, *new, *(card for card in cards if card.id not in chosen)]
        return [*due, *new[: max(0, NEW_A_DAY - self._begun_today(events, now))]]

    def _begun_today(self, events: Iterable[Event], now: datetime) -> int:
        today = day_of(now, self._zone)
        first: dict[str, Event] = {}
        for event in effective(events):
            if event.kind == "review":
                first.setdefault(event.fields["card"], event)
        return sum(event.local_date == today for name, event in first.items() if name in self._states)
