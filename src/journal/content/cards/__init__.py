"""Cards: the one source that page, terminal, notebook and Anki all show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.content.cards.model import Card, Deck, Library, Retired
from journal.content.cards.reading import read_decks
from journal.content.cards.references import reference_problems
from journal.content.problems import ContentError, Problem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Card", "Deck", "Library", "Retired", "card_problems", "load_decks", "read_decks"]


def card_problems(root: Path) -> list[Problem]:
    """Return all that is wrong with the decks below `root`, what their cards point at included."""
    library, problems = read_decks(root)
    return sorted(problems + reference_problems(library, root))


def load_decks(root: Path) -> Library:
    """Return all decks.

    Raises:
        ContentError: naming every fault of every deck, with file and line.
    """
    library, problems = read_decks(root)
    problems += reference_problems(library, root)
    if problems:
        raise ContentError(problems)
    return library
