"""`journal week`: fill the generated part of a weekly review from the history and git."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from journal.cli.wording import warn
from journal.content.cards import read_decks
from journal.content.cards.editing import replace_file
from journal.content.problems import ContentError
from journal.content.repository import find_root
from journal.content.weeks import read_weeks
from journal.review.history import default_history
from journal.week.block import block
from journal.week.markers import MarkerError, replaced
from journal.week.record import gather

if TYPE_CHECKING:
    from journal.content.weeks import Week
    from journal.week.record import WeekFacts


@click.group()
def week() -> None:
    """Work on a weekly review."""


@week.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
def fill(file: Path | None) -> None:
    """Write what the history and git know of the week between the marks of FILE; by default of the latest week.

    Everything outside the marks stays as it is, byte for byte.
    """
    root = find_root()
    review = _find(root, file)
    path = root / review.path
    with path.open(encoding="utf-8", newline="") as source:
        text = source.read()
    try:
        replaced(text, "")
    except MarkerError as error:
        raise click.ClickException(f"{review.path}: {error}") from None
    if review.dates is None:
        raise click.ClickException(
            f"{review.path}: its front matter does not say which days it covers; add `dates: [first, last]`, as "
            "`dates: [2026-11-23, 2026-11-29]`"
        )
    loaded = default_history(root).load()
    warn(loaded.problems, "in the history; nothing was deleted")
    facts = gather(root, review, loaded.events)
    filled = replaced(text, block(facts, read_decks(root)[0], review.path))
    if filled == text:
        click.echo(f"{review.path} is up to date.")
    else:
        replace_file(path, filled)
        click.echo(f"filled {review.path}: {review.dates[0]} to {review.dates[1]}")
    for line in _differences(facts, review):
        click.echo(line)


def _find(root: Path, file: Path | None) -> Week:
    weeks, problems = read_weeks(root)
    if file is None:
        if not weeks:
            raise click.ClickException("there is no weekly review; make one: journal new week")
        return weeks[-1]
    wanted = file.resolve()
    for one in weeks:
        if (root / one.path).resolve() == wanted:
            return one
    faults = [problem for problem in problems if (root / problem.path).resolve() == wanted]
    if faults:
        raise ContentError(faults)
    raise click.ClickException(f"{file} is no weekly review; they lie at docs/journal/month-MM/week-NN.md")


def _differences(facts: WeekFacts, review: Week) -> list[str]:
    """Say where the keeper's figures in the front matter and the record differ; both may be right."""
    counted = {"days_hit": facts.days_hit, "exercises": facts.exercises_passed}
    if facts.commits is not None:
        counted["commits"] = len(facts.commits)
    return [
        f"  {name}: the record says {number}, the front matter {getattr(review.metrics, name)}"
        for name, number in counted.items()
        if number != getattr(review.metrics, name)
    ]
