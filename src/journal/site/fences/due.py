"""The due fence: what there is to review. What is due depends on the reader's history, which no static page knows.

Without JavaScript it is a sentence that says where to ask. The review script puts the number in its place, and finds in
`data-cards` every card's id, with `=slug/step` where a failed exercise step makes it due, separated by spaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.site.fences.fence import as_fence
from journal.site.fences.templates import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place


def render(_options: Mapping[str, Any], place: Place) -> str:
    """Return the box that says what is due, or how to find out."""
    known = place.library.decks
    cards, decks = len(known.cards), sum(1 for deck in known.all if deck.cards)
    return fill(
        "due.html",
        stock=f"{cards} {'card' if cards == 1 else 'cards'} in {decks} {'deck' if decks == 1 else 'decks'}",
        href=place.link("due.md" if place.exists("due.md") else "quizzes/index.md"),
        ids=" ".join(f"{card.id}={card.step}" if card.step else card.id for card in known.cards.values()),
    )


fence = as_fence(render)
