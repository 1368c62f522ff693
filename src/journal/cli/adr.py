"""`journal adr`: maintain decisions."""

from __future__ import annotations

import click

from journal.content.frozen_decisions import FILE, freeze
from journal.content.repository import find_root


@click.group()
def adr() -> None:
    """Maintain decisions."""


@adr.command(name="freeze")
def freeze_adrs() -> None:
    """Store a digest of every decision that is no longer a proposal. From then on `journal check` notices an edit.

    The command never changes a digest that exists.
    """
    new = freeze(find_root())
    if new:
        click.echo(f"{', '.join(f'{number:04d}' for number in new)}: frozen in {FILE}.")
    else:
        click.echo("Every accepted decision is frozen already.")
