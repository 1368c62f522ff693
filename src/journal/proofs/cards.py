"""How many of the cards that could be checked are: at least nine in ten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.content.problems import Problem

if TYPE_CHECKING:
    from journal.content.cards import Decks

LEAST_PROVEN = 0.9
# Below that a share says nothing, and a beginner is not stopped by the second card.
LEAST_CARDS = 10


def proven_share(decks: Decks) -> tuple[int, int]:
    """Return how many cards name a proof, and how many state something that running something can show."""
    checkable = [card for card in decks.cards.values() if card.is_checkable]
    return sum(card.proof is not None for card in checkable), len(checkable)


def unproven_cards(decks: Decks) -> list[Problem]:
    """Return every checkable card without a proof when too few have one; nothing when nine in ten have."""
    proven, checkable = proven_share(decks)
    if checkable < LEAST_CARDS or proven >= LEAST_PROVEN * checkable:
        return []
    return [
        Problem(
            card.path,
            card.line,
            f"card {card.id!r} has no proof, and only {proven} of {checkable} checkable cards have one; add "
            "`proof: tests/…::test_…`, or, if nothing that runs can show it, `proof: none` and `why_no_proof: "
            "definition`, history or opinion",
        )
        for card in decks.cards.values()
        if card.is_checkable and card.proof is None
    ]
