"""`journal card`: take a card out of its deck for good."""

from __future__ import annotations

import click

from journal.content.cards import read_decks
from journal.content.cards.editing import retire
from journal.content.repository import find_root
from journal.review.day import day_of, now_utc


@click.group()
def card() -> None:
    """Look after single cards."""


@card.command(name="retire")
@click.argument("card_id", metavar="ID")
@click.option("--why", required=True, help="The reason, kept beside the id.")
def retire_card(card_id: str, why: str) -> None:
    """Retire the card ID: it is asked no more, and its id stays taken.

    The deck's comments and layout are kept. Old reviews stay in the history and count for no other card.
    """
    root = find_root()
    library, _problems = read_decks(root)
    if card_id not in library.cards:
        gone = next((g for deck in library.decks for g in deck.retired if g.id == card_id), None)
        if gone:
            raise click.ClickException(f"card {card_id!r} was retired on {gone.on}: {gone.why}")
        raise click.ClickException(f"there is no card {card_id!r}; `journal quiz --all` shows them all")
    if not why.strip() or "\n" in why:
        raise click.ClickException("--why needs a reason of one line")
    found = library.cards[card_id]
    retire(root, found, day_of(now_utc()), why.strip())
    click.echo(f"{card_id} is retired; its reason is in {found.path}.")
