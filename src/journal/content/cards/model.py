"""The data classes of a card, a deck, and all decks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

Kind = Literal["recall", "predict"]
KINDS: tuple[Kind, ...] = ("recall", "predict")
MAX_ANSWER_WORDS = 40
# Why a card has no proof. What the first three say cannot be checked by running something; "elsewhere" could be, with
# something that is not here (a Go compiler, say), and counts as a checkable card without a proof.
UNCHECKABLE = ("definition", "history", "opinion")
REASONS = (*UNCHECKABLE, "elsewhere")


@dataclass(frozen=True, slots=True)
class Card:
    """One question, one fact.

    Attributes:
        id: permanent, unique over all decks, never used again once retired.
        kind: `recall` asks for a fact, `predict` what a piece of code or a fault will do.
        question: Markdown.
        answer: Markdown, at most 40 words.
        topic: its deck.
        lesson: `lessons/<page>.md#<heading>`, relative to `docs/`.
        step: `<slug>/<n>`, the exercise step that makes this card due when it fails, or None.
        adr: the number of the decision that the card asks about, or None.
        proof: `path::test` for a fact that a test can show, or None.
        path: the deck's file, relative to the root.
        line: where the card begins, from 1.
        why_no_proof: one of `REASONS` for a card with `proof: none`, else "".
    """

    id: str
    kind: Kind
    question: str
    answer: str
    topic: str
    lesson: str
    step: str | None
    adr: int | None
    proof: str | None
    path: str
    line: int
    why_no_proof: str = ""

    @property
    def is_checkable(self) -> bool:
        """Whether it states a fact that a test can show."""
        return self.why_no_proof not in UNCHECKABLE

    @property
    def lesson_page(self) -> str:
        """The lesson's page, relative to `docs/`."""
        return self.lesson.partition("#")[0]

    @property
    def lesson_anchor(self) -> str:
        """The heading's anchor on that page."""
        return self.lesson.partition("#")[2]


@dataclass(frozen=True, slots=True)
class Retired:
    """A card that is no longer asked. Its id stays taken, so that its old reviews never count for another card."""

    id: str
    on: date
    why: str
    line: int


@dataclass(frozen=True, slots=True)
class Deck:
    """One file of `docs/quizzes/`; `topic` is its name without `.yml`."""

    topic: str
    title: str
    cards: tuple[Card, ...]
    retired: tuple[Retired, ...]
    path: str


@dataclass(frozen=True)
class Decks:
    """All decks, by topic."""

    all: tuple[Deck, ...]

    @cached_property
    def cards(self) -> dict[str, Card]:
        """Every card that is asked, by id, in deck order."""
        return {card.id: card for deck in self.all for card in deck.cards}

    @cached_property
    def topics(self) -> dict[str, Deck]:
        """Every deck by topic."""
        return {deck.topic: deck for deck in self.all}

    def of_step(self, slug: str, step: int) -> list[Card]:
        """Return the cards that become due when step `step` of exercise `slug` fails."""
        wanted = f"{slug}/{step}"
        return [card for card in self.cards.values() if card.step == wanted]
