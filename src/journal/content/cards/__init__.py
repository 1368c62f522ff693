"""Cards: the single source of what page, terminal, notebook and Anki show."""

from journal.content.cards.model import Card, Deck, Decks, Retired

__all__ = ["Card", "Deck", "Decks", "Retired"]
