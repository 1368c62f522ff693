"""All checks of the content at once: what must hold before a site is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.adrs import read_adrs
from journal.cards import read_decks
from journal.cards.references import reference_problems
from journal.chain import chain_problems
from journal.lessons import read_lessons, read_recall
from journal.pages import read_page
from journal.proofs import proof_problems, unproven_bullets
from journal.proofs.cards import unproven_cards
from journal.weeks import read_weeks, week_pages

if TYPE_CHECKING:
    from pathlib import Path

    from journal.problems import Problem


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
