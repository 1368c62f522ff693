"""Check that what cards refer to exists: lesson page and heading, exercise step, decision, proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grading.steps import steps_in
from journal.content.problems import Problem
from journal.content.test_names import missing_test

if TYPE_CHECKING:
    from pathlib import Path

    from journal.content.cards.model import Card
    from journal.content.library import Library


def reference_problems(library: Library) -> list[Problem]:
    """Return one problem for each reference of a card that leads nowhere."""
    targets = _Targets(library)
    problems: list[Problem] = []
    for card in library.decks.cards.values():
        problems += [Problem(card.path, card.line, f"card {card.id!r}: {fault}") for fault in targets.faults(card)]
    return problems


@dataclass
class _Targets:
    library: Library
    anchors: dict[str, frozenset[str] | None] = field(default_factory=dict)
    steps: dict[str, frozenset[int]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.library.root

    def faults(self, card: Card) -> list[str]:
        found = [self.lesson_fault(card)]
        if card.step:
            found.append(self.step_fault(card.step))
        if card.adr is not None and not list((self.root / "docs" / "adr").glob(f"{card.adr:04d}-*.md")):
            found.append(f"there is no decision docs/adr/{card.adr:04d}-*.md; correct `adr:` or leave it out")
        if card.proof and (fault := missing_test(self.root, card.proof)):
            found.append(f"its proof does not exist: {fault}")
        return [fault for fault in found if fault]

    def lesson_fault(self, card: Card) -> str | None:
        page = card.lesson_page
        if page not in self.anchors:
            found = self.library.page(f"docs/{page}")
            self.anchors[page] = found.anchors if found else None
        anchors = self.anchors[page]
        if anchors is None:
            return f"its lesson docs/{page} does not exist; correct `lesson:`"
        if card.lesson_anchor not in anchors:
            known = ", ".join(sorted(anchors)) or "none"
            return f"docs/{page} has no heading #{card.lesson_anchor}; its headings are {known}"
        return None

    def step_fault(self, step: str) -> str | None:
        slug, _, number = step.partition("/")
        if slug not in self.steps:
            self.steps[slug] = frozenset(steps_in(self.root / "exercises" / slug))
        steps = self.steps[slug]
        if not steps:
            return f"there is no exercise exercises/{slug}/ with tests; correct `step:` or leave it out"
        if int(number) not in steps:
            return f"exercise {slug} has no step {number}; its tests mark {', '.join(map(str, sorted(steps)))}"
        return None
