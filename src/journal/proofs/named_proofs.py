"""Which tests are proofs: everything that a page or a card names, and where."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.content.library import library

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Named:
    """One statement that names a test.

    Attributes:
        path: the page or deck, relative to the root.
        line: where, from 1.
        what: the statement, or the card's id and question.
        card: the card's id, "" for a statement of a page.
    """

    path: str
    line: int
    what: str
    card: str = ""


def named_proofs(root: Path) -> dict[str, list[Named]]:
    """Return every test that a page or a card names, by pytest id without parameters, in order of the id."""
    found: dict[str, list[Named]] = defaultdict(list)
    for claim in library(root).claims:
        for proof in claim.proofs:
            found[proof.partition("[")[0]].append(Named(claim.path, claim.line, claim.text))
    for card in library(root).decks.cards.values():
        if card.proof:
            question = " ".join(card.question.split())
            found[card.proof.partition("[")[0]].append(Named(card.path, card.line, f"{card.id}: {question}", card.id))
    return dict(sorted(found.items()))
