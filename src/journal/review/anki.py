"""Export the decks to Anki, with identities that never change, so that importing twice updates and never duplicates.

Anki recognises a note by its guid, a note type and a deck by their numbers. The guid is derived from the card's
permanent id, the deck's number from the topic, the note type's is fixed. A card moved or reworded keeps its guid.
Cards that were retired are not exported; Anki keeps what it has.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import genanki  # type: ignore[import-untyped]

from journal.content.cards.markup import card_html

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.content.cards import Card, Deck, Decks
    from journal.content.settings import Settings

# Anki's own numbers are creation times in milliseconds; these stay in the range that genanki's documentation asks for.
NOTE_TYPE_ID = 1_607_392_319
_DECK_ID_LOW, _DECK_ID_SPAN = 1 << 30, 1 << 30

_CSS = """\
.card { font-family: sans-serif; font-size: 18px; text-align: left; max-width: 40em; margin: 0 auto; padding: 1em; }
code, pre { font-family: monospace; font-size: 16px; }
pre { overflow-x: auto; }
.source { margin-top: 1.5em; font-size: 13px; opacity: 0.75; }
"""


def export_decks(decks: Decks, settings: Settings, file: Path) -> int:
    """Write all cards to the Anki package `file`, replacing it whole, and return how many there are.

    Raises:
        OSError: `file` cannot be written; an older one is left as it was.
    """
    note_type = _note_type(settings)
    made = [_deck(deck, settings, note_type) for deck in decks.all]
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".apkg")
    os.close(handle)
    try:
        genanki.Package(made).write_to_file(name)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)
    return len(decks.cards)


def note_guid(journal: str, card: str) -> str:
    """Return the guid of the note for the card with the id `card` of the journal with that name."""
    return str(genanki.guid_for(journal, card))


def deck_id(journal: str, topic: str) -> int:
    """Return the number of the deck `topic` of the journal with that name, 2**30 to 2**31 - 1."""
    digest = hashlib.sha256(f"{journal} deck {topic}".encode()).digest()
    return _DECK_ID_LOW + int.from_bytes(digest[:8], "big") % _DECK_ID_SPAN


def _note_type(settings: Settings) -> Any:
    return genanki.Model(
        NOTE_TYPE_ID,
        settings.title,
        fields=[{"name": "Question"}, {"name": "Answer"}, {"name": "Source"}, {"name": "Id"}],
        templates=[
            {
                "name": "Card",
                "qfmt": "{{Question}}",
                "afmt": '{{FrontSide}}<hr id="answer">{{Answer}}<div class="source">{{Source}} · {{Id}}</div>',
            }
        ],
        css=_CSS,
    )


def _deck(deck: Deck, settings: Settings, note_type: Any) -> Any:
    made = genanki.Deck(deck_id(settings.name, deck.topic), f"{settings.title}::{deck.title}")
    for card in deck.cards:
        made.add_note(
            genanki.Note(
                model=note_type,
                fields=[card_html(card.question), card_html(card.answer), card.lesson, card.id],
                guid=note_guid(settings.name, card.id),
                tags=list(_tags(settings.name, card)),
            )
        )
    return made


def _tags(journal: str, card: Card) -> Iterator[str]:
    yield f"{journal}::{card.topic}"
    yield f"{journal}::{card.kind}"
