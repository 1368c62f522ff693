"""`journal check`: every content check, without building the site."""

from __future__ import annotations

import click

from journal.check import check_all
from journal.content.problems import ContentError
from journal.content.repository import find_root


@click.command()
def check() -> None:
    """Check cards, decisions, weekly reviews, lessons and proofs."""
    problems = check_all(find_root())
    if problems:
        raise ContentError(problems)
    click.echo("The content holds: cards, decisions, weekly reviews, lessons and proofs.")
