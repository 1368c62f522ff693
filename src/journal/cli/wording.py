"""How the commands print times, counts, tables and problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, tzinfo

    from journal.content.problems import Problem


def count(number: int, one: str, many: str | None = None) -> str:
    """Return `1 card`, `2 cards`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def local_time(at: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """Return `at` in local time: only the time on the day of `now`, otherwise the date with it."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    return f"{local:%H:%M}" if local.date() == today.date() else f"{local:%Y-%m-%d %H:%M}"


def warn(problems: Sequence[Problem], what: str) -> None:
    """Print problems that don't stop a command on standard error."""
    if not problems:
        return
    click.echo(f"{count(len(problems), 'fault')} {what}:", err=True)
    for problem in problems[:5]:
        click.echo(f"  {problem}", err=True)
    if len(problems) > 5:
        click.echo(f"  … and {len(problems) - 5} more; `journal check` lists all", err=True)


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return `rows` in aligned columns, two spaces between them."""
    kept = [list(row) for row in rows]
    if not kept:
        return ""
    widths = [max(len(row[column]) for row in kept) for column in range(len(kept[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in kept]
    return "\n".join(lines)
