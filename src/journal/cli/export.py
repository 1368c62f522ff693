"""`journal export`: the cards for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from journal.cli.wording import count
from journal.content.cards import read_decks
from journal.content.problems import ContentError
from journal.content.repository import find_root


@click.group()
def export() -> None:
    """Export the cards."""


@export.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def anki(file: Path) -> None:
    """Write all cards to FILE (.apkg) for Anki.

    Import it again after a change: cards keep their identity, so Anki updates them and keeps your schedule.
    """
    if file.suffix != ".apkg":
        raise click.ClickException(f"Anki opens only files that end in .apkg; name it {file.with_suffix('.apkg')}")
    if not file.parent.is_dir():
        raise click.ClickException(f"there is no folder {file.parent}; make it first")
    library, problems = read_decks(find_root())
    if problems:
        raise ContentError(problems)
    from journal.review.anki import export_decks  # noqa: PLC0415  (half a second that only this command needs)

    click.echo(f"{count(export_decks(library, file), 'card')} written to {file}.")
