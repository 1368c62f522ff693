"""`journal reset`: bring an exercise's stub back, keeping a copy of what was written."""

from __future__ import annotations

import click

from journal.content.repository import find_root
from journal.course.reset import ResetError
from journal.course.reset import reset as bring_back


@click.command()
@click.argument("slug")
def reset(slug: str) -> None:
    """Restore the stub of exercise SLUG; what you wrote is kept, and the command says where."""
    root = find_root()
    try:
        done = bring_back(root, slug)
    except ResetError as error:
        raise click.ClickException(str(error)) from error
    file = done.file.relative_to(root).as_posix()
    if done.kept is None:
        click.echo(f"{file} is the stub.")
    else:
        click.echo(f"{file} is the stub again; what you wrote is in {done.kept.relative_to(root).as_posix()}.")
