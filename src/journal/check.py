"""All checks of the content at once: what must hold before a site is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.content.cards import read_decks
from journal.content.cards.references import reference_problems
from journal.content.decisions import read_adrs
from journal.content.lessons import read_lessons, read_recall
from journal.content.links import chain_problems
from journal.content.pages import read_page
from journal.content.weeks import read_weeks, week_pages
from journal.proofs import proof_problems, unproven_bullets
from journal.proofs.cards import unproven_cards

if TYPE_CHECKING:
    from pathlib import Path

    from journal.content.problems import Problem


def check_all(root: Path) -> list[Problem]:
    """Return every problem of cards, decisions, weekly reviews, lessons, proofs and the chain, by file and line."""
    library, problems = read_decks(root)
    problems += reference_problems(library, root)
    problems += read_adrs(root)[1]
    problems += read_weeks(root)[1]
    problems += read_lessons(root)[1]
    problems += read_recall(root)[1]
    problems += proof_problems(root, library)
    problems += unproven_cards(library)
    for path in week_pages(root):
        problems += unproven_bullets(read_page(root / path, root)[0], "lessons learned")
    # What is at fault itself is left out of the chain, and would be reported once more as a hole in it.
    return sorted(set(problems or chain_problems(root)))
