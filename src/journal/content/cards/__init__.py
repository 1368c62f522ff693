"""Cards: the one source that page, terminal, notebook and Anki all show."""

from journal.content.cards.model import Card, Deck, Decks, Retired

__all__ = ["Card", "Deck", "Decks", "Retired"]
