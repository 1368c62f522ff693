"""Read the links of the chain from READMEs, lessons, decisions and decks."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from grading.steps import step_heading
from journal.content.pages import outside_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.content.cards import Card
    from journal.content.decisions import Adr
    from journal.content.exercises import Exercise
    from journal.content.library import Library
    from journal.content.pages import Page

T = TypeVar("T")

_READ = re.compile(r"^Read:\s")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_ADR = re.compile(r"docs/adr/(\d{4})-[\w-]+\.md$")
# Pages whose headings belong to the chain; an exercise's own page stands in until its lesson is written.
FOLDERS = ("lessons", "recall", "exercises")


@dataclass(frozen=True, slots=True)
class Link:
    """One link as it is written: from what, to what, and where it stands."""

    source: str
    target: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Place:
    """Something that can be linked: its title, and where it is defined."""

    title: str
    path: str
    line: int


@dataclass
class Chain:
    """All steps, headings, decisions and cards, and the links between them.

    Attributes:
        steps: every exercise step, as `backoff/2`.
        headings: every heading of a lesson or recall page, as `lessons/day-137-….md#full-jitter`.
        adrs: every decision by number.
        cards: every card by id.
        reads: step → heading, as the READMEs say.
        decides: heading → number of a decision, as the lessons' links say.
    """

    steps: dict[str, Place] = field(default_factory=dict)
    headings: dict[str, Place] = field(default_factory=dict)
    adrs: dict[int, Adr] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    reads: list[Link] = field(default_factory=list)
    decides: list[Link] = field(default_factory=list)

    def headings_of_step(self, step: str) -> list[str]:
        """Where to read for a step: what its README names, then where its cards are read."""
        named = [link.target for link in self.reads if link.source == step]
        return _once([*named, *(card.lesson for card in self.cards.values() if card.step == step)])

    def steps_of_heading(self, heading: str) -> list[str]:
        """The steps that practise what stands under a heading."""
        return [step for step in self.steps if heading in self._headings_by_step[step]]

    def cards_of_step(self, step: str) -> list[str]:
        """The cards that a failed step makes due."""
        return [card.id for card in self.cards.values() if card.step == step]

    def cards_of_heading(self, heading: str) -> list[str]:
        """The cards that are read under a heading."""
        return self._cards_by_heading.get(heading, [])

    def headings_of_page(self, page: str) -> list[str]:
        """The headings of a lesson or recall page, named relative to `docs/`, in their order."""
        return self._headings_by_page.get(page, [])

    def adrs_of_heading(self, heading: str) -> list[int]:
        """The decisions that a section links."""
        return _once(int(link.target) for link in self.decides if link.source == heading)

    def headings_of_adr(self, number: int) -> list[str]:
        """The sections that link a decision."""
        return _once(link.source for link in self.decides if int(link.target) == number)

    def cards_of_adr(self, number: int) -> list[str]:
        """The cards of a decision: those that name it, and those read under a heading that links it."""
        headings = self.headings_of_adr(number)
        return [card.id for card in self.cards.values() if card.adr == number or card.lesson in headings]

    def adrs_of_card(self, card_id: str) -> list[int]:
        """The decisions of a card: the one it names, and those of its heading."""
        card = self.cards[card_id]
        return _once([*([card.adr] if card.adr is not None else []), *self.adrs_of_heading(card.lesson)])

    @cached_property
    def _cards_by_heading(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for card in self.cards.values():
            found.setdefault(card.lesson, []).append(card.id)
        return found

    @cached_property
    def _headings_by_page(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for heading in self.headings:
            found.setdefault(heading.partition("#")[0], []).append(heading)
        return found

    @cached_property
    def _headings_by_step(self) -> dict[str, list[str]]:
        return {step: self.headings_of_step(step) for step in self.steps}


def read_chain(library: Library) -> Chain:
    """Return the chain of the journal; faults of single files are the business of their own checks."""
    chain = Chain(
        adrs={adr.number: adr for adr in library.decisions},
        cards=dict(library.decks.cards),
    )
    for exercise in library.exercises:
        # Without a README the exercise is not there yet, which its own check says.
        if readme := library.page(f"exercises/{exercise.slug}/README.md"):
            _read_steps(chain, exercise, readme)
    for folder in FOLDERS:
        for page in library.pages(folder):
            if not page.path.endswith("/index.md"):
                _read_headings(chain, page)
    return chain


def sections(page: Page) -> Iterator[tuple[str, int, list[tuple[int, str]]]]:
    """Yield (anchor, line, lines) of each heading of level 2, with what stands below it, deeper headings included."""
    tops = [heading for heading in page.headings if heading.level == 2]
    for position, heading in enumerate(tops):
        end = tops[position + 1].line if position + 1 < len(tops) else 10**9
        yield (
            heading.anchor,
            heading.line,
            [(number, line) for number, line in outside_code(page.body) if heading.line < number < end],
        )


def _read_steps(chain: Chain, exercise: Exercise, page: Page) -> None:
    described = {step: (line, targets) for step, line, targets in _read_lines(page)}
    for step in exercise.steps:
        name = f"{exercise.slug}/{step.n}"
        line, targets = described.get(step.n, (0, []))
        chain.steps[name] = Place(step.title, page.path, line)
        chain.reads += [Link(name, target, page.path, at) for target, at in targets]


def _read_headings(chain: Chain, page: Page) -> None:
    name = page.path.removeprefix("docs/")
    for heading in page.headings:
        chain.headings[f"{name}#{heading.anchor}"] = Place(heading.text, page.path, heading.line)
    for anchor, _line, lines in sections(page):
        for number, line in lines:
            for target in _targets(line, page.path):
                if match := _ADR.search(target):
                    chain.decides.append(Link(f"{name}#{anchor}", str(int(match[1])), page.path, number))


def _read_lines(page: Page) -> Iterator[tuple[int, int, list[tuple[str, int]]]]:
    """Yield (step, line of its heading, [(heading it reads, line)]) for each step of a README."""
    found: list[tuple[int, int, list[tuple[str, int]]]] = []
    steps = {heading.line: step.n for heading in page.headings if (step := step_heading(heading.text))}
    for number, line in outside_code(page.body):
        if number in steps:
            found.append((steps[number], number, []))
        elif found and _READ.match(line):
            found[-1][2].extend((target.removeprefix("docs/"), number) for target in _targets(line, page.path))
    yield from found


def _targets(line: str, path: str) -> list[str]:
    """Return where the links of a line lead, relative to the root."""
    folder = posixpath.dirname(path)
    return [posixpath.normpath(posixpath.join(folder, href)) for href in _LINK.findall(line) if ":" not in href]


def _once(found: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(found))
