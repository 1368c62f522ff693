"""How commands print: a table for people, JSON for programs, and progress of long commands."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

json_option = click.option("--json", "json_output", is_flag=True, help="Print JSON, for programs.")

PATIENCE_S = 2.0


def as_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    click.echo(json.dumps(value))


def moment(at: float) -> str:
    """Return an instant as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their names, each column as wide as its widest cell."""
    lines = [[name.replace("_", " ") for name in names], *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@contextmanager
def progress(verb: str, total: int = 0) -> Iterator[Callable[[int], None]]:
    """Yield a function that counts; after two seconds the count appears on standard error, if that is a terminal."""
    begun = shown = time.monotonic()
    count = 0

    def told(more: int) -> None:
        nonlocal count, shown
        count += more
        now = time.monotonic()
        if sys.stderr.isatty() and now - begun > PATIENCE_S and now - shown > 0.2:
            shown = now
            of = f" of {total:,}" if total else ""
            click.echo(f"\r{count:,}{of} {verb}, {count / (now - begun):,.0f}/s ", nl=False, err=True)

    yield told
    if shown != begun:
        click.echo("", err=True)
