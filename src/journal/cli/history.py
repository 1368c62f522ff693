"""`journal history`: merge, export, find the file."""

from __future__ import annotations

import os
from pathlib import Path

import click

from journal.cli.wording import count, warn
from journal.content.repository import find_root
from journal.review.history import default_history


@click.group()
def history() -> None:
    """Merge the history with another machine's, export it, or show where it lies."""


@history.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def merge(file: Path) -> None:
    """Add every event of FILE that is not yet here.

    FILE is another machine's history, or one that the page exported; it is not changed. Merging the same file twice
    adds nothing the second time. Lines that are no events are reported and left out; the rest is added.
    """
    done = default_history(find_root()).merge(file)
    click.echo(f"{count(done.added, 'event')} added, {done.already_there} already here.")
    warn(done.problems, "in the two files; nothing was deleted")


@history.command(name="export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export_events(file: Path) -> None:
    """Write all events to FILE, oldest first; an existing FILE is not overwritten."""
    loaded = default_history(find_root()).load()
    warn(loaded.problems, "in the history; these lines are not exported")
    try:
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.writelines(f"{event.line}\n" for event in loaded.events)
            out.flush()
            os.fsync(out.fileno())
    except FileExistsError:
        raise click.ClickException(f"{file} exists already and is left alone; name another file") from None
    click.echo(f"{count(len(loaded.events), 'event')} written to {file}.")


@history.command()
def path() -> None:
    """Show where the history lies."""
    file = default_history(find_root()).path
    click.echo(str(file) if file else "REDRIVE_NO_HISTORY is set: nothing is read or recorded")
