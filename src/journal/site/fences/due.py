"""The due fence: what there is to review. What is due depends on the reader's history, which no static page knows.

Without JavaScript it is a sentence that says where to ask. The review script puts the number in its place, and finds in
`data-cards` every card's id, with `=slug/step` where a failed exercise step makes it due, separated by spaces.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from journal.site.fences.fence import as_fence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown

    from journal.site.fences.place import Place


def render(_options: Mapping[str, Any], place: Place, _md: Markdown | None = None) -> str:
    """Return the box that says what is due, or how to find out."""
    known = place.library.decks
    cards, decks = len(known.cards), sum(1 for deck in known.all if deck.cards)
    stock = f"{cards} {'card' if cards == 1 else 'cards'} in {decks} {'deck' if decks == 1 else 'decks'}"
    href = place.link("due.md" if place.exists("due.md") else "quizzes/index.md")
    ids = " ".join(f"{card.id}={card.step}" if card.step else card.id for card in known.cards.values())
    return (
        f'<div class="rd-due" data-due data-cards="{html.escape(ids)}" data-page="{href}">'
        "<p><strong>Due today.</strong> Your own history decides; <code>.venv/bin/journal quiz</code> asks what is "
        f'due, and <a href="{href}">all {stock}</a> can be read here.</p></div>'
    )


fence = as_fence(render)
