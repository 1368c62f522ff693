"""`journal adr`: look after decisions."""

from __future__ import annotations

import click

from journal.content.frozen_decisions import FILE, freeze
from journal.content.repository import find_root


@click.group()
def adr() -> None:
    """Look after decisions."""


@adr.command(name="freeze")
def freeze_adrs() -> None:
    """Keep a digest of every decision that is no longer a proposal, so that a later edit is noticed.

    Digests that are kept already are never changed.
    """
    new = freeze(find_root())
    if new:
        click.echo(f"{', '.join(f'{number:04d}' for number in new)}: frozen in {FILE}.")
    else:
        click.echo("Every accepted decision is frozen already.")
