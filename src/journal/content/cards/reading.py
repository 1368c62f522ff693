"""Read decks and check their form. What cards refer to is checked in `references`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from journal.content.cards.model import KINDS, MAX_ANSWER_WORDS, REASONS, Card, Deck, Decks, Kind, Retired
from journal.content.marked_yaml import Fields, Items, MarkedYamlError, Node, Text, parse
from journal.content.pages import relative
from journal.content.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_ID_LENGTH = 64
_STEP = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*/[1-9][0-9]?")
_PROOF = re.compile(r"[\w./-]+\.py(?:::\w+)+(?:\[.+\])?")
_NO_PROOF = "none"
_DECK_KEYS = {"topic", "title", "cards", "retired"}
_CARD_KEYS = {"id", "kind", "question", "answer", "lesson", "step", "adr", "proof", "why_no_proof"}
_RETIRED_KEYS = {"id", "on", "why"}


def read_decks(root: Path) -> tuple[Decks, list[Problem]]:
    """Read `docs/quizzes/*.yml`. Faulty cards are reported and left out, so that the rest can be asked."""
    decks: list[Deck] = []
    problems: list[Problem] = []
    for path in sorted((root / "docs" / "quizzes").glob("*.yml")):
        stat = path.stat()
        deck, faults = _read(path, relative(path, root), stat.st_mtime_ns, stat.st_size)
        decks.append(deck)
        problems += faults
    problems += _identity_problems(decks)
    return Decks(tuple(_without_repeats(decks))), problems


def read_deck(text: str, path: str, stem: str) -> tuple[Deck, list[Problem]]:
    """Return the deck that `text` holds, and its faults. `path` names it in problems; `stem` is its topic."""
    reader = _DeckReader(path, stem)
    return reader.read(text), reader.problems


@lru_cache(maxsize=4096)
def _read(path: Path, name: str, _mtime_ns: int, _size: int) -> tuple[Deck, tuple[Problem, ...]]:
    deck, problems = read_deck(path.read_text(encoding="utf-8"), name, path.stem)
    return deck, tuple(problems)


def _identity_problems(decks: list[Deck]) -> list[Problem]:
    problems: list[Problem] = []
    retired: dict[str, str] = {}
    for deck in decks:
        for gone in deck.retired:
            if gone.id in retired:
                problems.append(
                    Problem(deck.path, gone.line, f"card id {gone.id!r} is already retired at {retired[gone.id]}")
                )
            else:
                retired[gone.id] = f"{deck.path}:{gone.line}"
    first: dict[str, str] = {}
    for deck in decks:
        for card in deck.cards:
            if card.id in first:
                problems.append(
                    Problem(
                        card.path,
                        card.line,
                        f"card id {card.id!r} is taken at {first[card.id]}; an id is unique over all decks, so give "
                        "this card a new one",
                    )
                )
            else:
                first[card.id] = f"{card.path}:{card.line}"
            if card.id in retired:
                problems.append(
                    Problem(
                        card.path,
                        card.line,
                        f"card id {card.id!r} was retired at {retired[card.id]} and cannot be used again; its old "
                        "reviews would count for this card. Give it a new id",
                    )
                )
    return problems


def _without_repeats(decks: list[Deck]) -> list[Deck]:
    taken = {gone.id for deck in decks for gone in deck.retired}
    kept: list[Deck] = []
    for deck in decks:
        cards: list[Card] = []
        for card in deck.cards:
            if card.id not in taken:
                taken.add(card.id)
                cards.append(card)
        kept.append(Deck(deck.topic, deck.title, tuple(cards), deck.retired, deck.path))
    return kept


@dataclass
class _DeckReader:
    path: str
    stem: str
    problems: list[Problem] = field(default_factory=list)

    def report(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.path, line, message))

    def read(self, text: str) -> Deck:
        try:
            root = parse(text)
        except MarkedYamlError as error:
            self.report(error.line, str(error))
            return Deck(self.stem, self.stem, (), (), self.path)
        if not isinstance(root, Fields):
            self.report(1, "a deck is a mapping with topic, title and cards")
            return Deck(self.stem, self.stem, (), (), self.path)
        self.check_keys(root, _DECK_KEYS, "a deck")
        topic = root.text("topic")
        if topic != self.stem:
            self.report(
                root.line_of("topic"), f"topic is {topic!r}, and the file is {self.stem}.yml; make the two the same"
            )
        title = root.text("title")
        if not title:
            self.report(root.line_of("title"), "the deck has no title; add `title: …`")
        cards = tuple(card for node in self.items(root, "cards") if (card := self.card(node)))
        retired = tuple(gone for node in self.items(root, "retired") if (gone := self.retired(node)))
        return Deck(self.stem, title or self.stem, cards, retired, self.path)

    def items(self, root: Fields, key: str) -> tuple[Node, ...]:
        node = root.values.get(key)
        if isinstance(node, Items):
            return node.values
        if node is None or (isinstance(node, Text) and not node.value.strip()):
            if key == "cards":
                self.report(root.line_of(key), "the deck has no cards; add `cards:` and a list under it")
            return ()
        self.report(root.line_of(key), f"{key!r} must be a list")
        return ()

    def check_keys(self, node: Fields, known: set[str], what: str) -> None:
        for key in node.values:
            if key not in known:
                self.report(node.line_of(key), f"{what} has no key {key!r}; known are {', '.join(sorted(known))}")
        for key, line in node.repeated:
            self.report(line, f"the key {key!r} stands twice; keep one")

    def identity(self, node: Fields, what: str) -> str:
        name = node.text("id")
        if not name:
            self.report(node.line, f"{what} has no id; give it a permanent one, such as {self.stem}-01")
        elif not ID.fullmatch(name) or len(name) > MAX_ID_LENGTH:
            self.report(
                node.line_of("id"),
                f"card id {name!r} must be lower-case words and digits joined by '-', at most {MAX_ID_LENGTH} long",
            )
            return ""
        return name

    def card(self, node: Node) -> Card | None:
        if not isinstance(node, Fields):
            self.report(node.line, "a card is a mapping with id, question and answer")
            return None
        before = len(self.problems)
        self.check_keys(node, _CARD_KEYS, "a card")
        name = self.identity(node, "a card")
        label = f"card {name!r}" if name else "a card"
        self.check_text(node, label)
        self.check_pointers(node, label)
        if len(self.problems) > before:
            return None
        adr = node.text("adr")
        return Card(
            id=name,
            kind=cast("Kind", node.text("kind") or "recall"),
            question=node.text("question"),
            answer=node.text("answer"),
            topic=self.stem,
            lesson=node.text("lesson"),
            step=node.text("step") or None,
            adr=int(adr) if adr else None,
            proof=None if node.text("proof") == _NO_PROOF else node.text("proof") or None,
            path=self.path,
            line=node.line,
            why_no_proof=node.text("why_no_proof"),
        )

    def check_text(self, node: Fields, label: str) -> None:
        if not node.text("question"):
            self.report(node.line_of("question"), f"{label} has no question; write one under `question: |`")
        if not node.text("answer"):
            self.report(node.line_of("answer"), f"{label} has no answer; write one under `answer: |`")
        words = len(node.text("answer").split())
        if words > MAX_ANSWER_WORDS:
            self.report(
                node.line_of("answer"),
                f"the answer of {label} has {words} words, and at most {MAX_ANSWER_WORDS} are kept in mind; "
                "split it into two cards",
            )
        kind = node.text("kind") or "recall"
        if kind not in KINDS:
            self.report(node.line_of("kind"), f"kind of {label} is {kind!r}; it is recall or predict")

    def check_pointers(self, node: Fields, label: str) -> None:
        step, adr, proof = (node.text(key) for key in ("step", "adr", "proof"))
        if not re.fullmatch(r"[^#]+\.md#[^#]+", node.text("lesson")):
            self.report(
                node.line_of("lesson"), f"{label} names no lesson heading; add `lesson: lessons/<page>.md#<heading>`"
            )
        if step and not _STEP.fullmatch(step):
            self.report(node.line_of("step"), f"step of {label} is {step!r}; write <exercise>/<number>, as backoff/2")
        if adr and not adr.isdecimal():
            self.report(node.line_of("adr"), f"adr of {label} is {adr!r}; write the decision's number, as 3")
        if proof and proof != _NO_PROOF and not _PROOF.fullmatch(proof):
            self.report(node.line_of("proof"), f"proof of {label} is {proof!r}; write tests/…/test_x.py::test_name")
        why = node.text("why_no_proof")
        if (proof == _NO_PROOF) != bool(why):
            remedy = "`proof: none` and `why_no_proof: …` go together"
            self.report(node.line_of("proof"), f"{label} has one without the other; {remedy}")
        elif why and why not in REASONS:
            self.report(
                node.line_of("why_no_proof"), f"why_no_proof of {label} is {why!r}; it is one of {', '.join(REASONS)}"
            )

    def retired(self, node: Node) -> Retired | None:
        if not isinstance(node, Fields):
            self.report(node.line, "a retired card is {id: …, on: YYYY-MM-DD, why: …}")
            return None
        before = len(self.problems)
        self.check_keys(node, _RETIRED_KEYS, "a retired card")
        name = self.identity(node, "a retired card")
        on = date.min
        try:
            on = date.fromisoformat(node.text("on"))
        except ValueError:
            self.report(
                node.line_of("on"), f"retired card {name!r} has the date {node.text('on')!r}; write on: YYYY-MM-DD"
            )
        if not node.text("why"):
            self.report(node.line, f"retired card {name!r} gives no reason; add `why: …`")
        # A bad date or reason must not free the id.
        return Retired(name, on, node.text("why"), node.line) if name or len(self.problems) == before else None
