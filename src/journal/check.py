"""All checks of the content together. They must pass before a site is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.content.cards.references import reference_problems
from journal.content.frozen_decisions import frozen_problems
from journal.content.links import chain_problems
from journal.content.page_rules import page_problems
from journal.proofs import proof_problems, unproven_bullets
from journal.proofs.cards import unproven_cards

if TYPE_CHECKING:
    from journal.content.library import Library
    from journal.content.problems import Problem


def check_all(library: Library) -> list[Problem]:
    """Return every problem of pages, cards, decisions, weekly reviews, proofs and links, sorted by file and line."""
    problems = [*library.problems, *reference_problems(library), *proof_problems(library), *page_problems(library)]
    problems += frozen_problems(library.root)
    problems += unproven_cards(library.decks)
    for page in library.pages("journal"):
        if "/week-" in page.path:
            problems += unproven_bullets(page, "lessons learned")
    # What is at fault itself is left out of the chain, and would be reported once more as a hole in it.
    return sorted(set(problems or chain_problems(library)))
