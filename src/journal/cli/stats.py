"""`journal stats`: what the history adds up to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from journal.cli.wording import count, table, warn
from journal.content.cards import read_decks
from journal.content.exercises import find_exercises, passed_steps
from journal.content.repository import find_root
from journal.review.day import day_of, now_utc
from journal.review.history import default_history, effective
from journal.review.schedule import due_today, replay
from journal.review.stats import confidence, days_hit, forecast, leeches, retention, reviews_a_day, streaks
from journal.week.calibration import calibration, caveat, pooled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from journal.content.cards import Library
    from journal.review.history import Event

FORECAST_DAYS = 7


@click.command()
def stats() -> None:
    """Show reviews, retention, forecast, days hit, leeches, confidence and exercises."""
    root = find_root()
    library, _problems = read_decks(root)
    loaded = default_history(root).load()
    warn(loaded.problems, "in the history; nothing was deleted")
    now = now_utc()
    click.echo(_overview(loaded.events, library, now))
    for title, rows in (
        ("Due", _forecast_rows(loaded.events, library, now)),
        ("Retention of learned cards", _retention_rows(loaded.events, library)),
        ("Confidence", [(topic, f"{value} of 5") for topic, value in sorted(confidence(loaded.events).items())]),
        ("Exercises", _exercise_rows(loaded.events, root)),
        ("Leeches: rewrite these", _leech_rows(loaded.events, library)),
    ):
        if rows:
            click.echo(f"\n{click.style(title, bold=True)}\n{table(rows)}")
    told = _calibration_lines(loaded.events, library)
    if told:
        click.echo(f"\n{click.style('Confidence against outcome', bold=True)}\n{told}")


def _overview(events: Sequence[Event], library: Library, now: datetime) -> str:
    today = day_of(now)
    a_day = reviews_a_day(events)
    days = days_hit(events)
    week = sum(a_day[today - timedelta(days=back)] for back in range(7))
    run = streaks(days, today)
    states = replay(events, library)
    due, new = len(due_today(states, now)), len(library.cards) - len(states)
    return "\n".join(
        (
            f"{count(len(library.cards), 'card')}: {due} due today, {new} new.",
            f"{count(a_day.total(), 'review')}: {a_day[today]} today, {week} in the last 7 days.",
            f"{count(len(days), 'day')} hit; current streak {run.current}, longest {run.longest}.",
        )
    )


def _forecast_rows(events: Sequence[Event], library: Library, now: datetime) -> list[tuple[str, str]]:
    today = day_of(now)
    names = ("today", "tomorrow")
    return [
        (names[ahead] if ahead < len(names) else f"{today + timedelta(days=ahead):%a %d %b}", str(number))
        for ahead, number in enumerate(forecast(replay(events, library), now, FORECAST_DAYS))
    ]


def _retention_rows(events: Sequence[Event], library: Library) -> list[tuple[str, str]]:
    return [
        (topic, f"{found.share:.0%} of {count(found.reviews, 'review')}")
        for topic, found in retention(events, library).items()
        if found.share is not None
    ]


def _calibration_lines(events: Sequence[Event], library: Library) -> str:
    found = pooled(calibration(events, library))
    rows = []
    for one in found:
        said = f"said {one.said:.2g} of 5" + (f" on average, {one.statements} times" if one.statements > 1 else "")
        happened = "nothing asked since"
        if one.share is not None:
            happened = f"then {one.right} of {count(one.outcomes, 'outcome')} right, {one.share:.0%}"
        rows.append((one.topic, said, happened))
    return f"{table(rows)}\n{caveat(sum(one.outcomes for one in found))}" if rows else ""


def _exercise_rows(events: Sequence[Event], root: Path) -> list[tuple[str, str]]:
    passed = passed_steps(effective(events))
    rows = []
    for exercise in find_exercises(root):
        done = passed.get(exercise.slug, set())
        core = sum(step.number in done for step in exercise.core)
        rows.append((exercise.slug, f"{core} of {len(exercise.core)} core steps passed"))
    return rows


def _leech_rows(events: Sequence[Event], library: Library) -> list[tuple[str, str, str]]:
    rows = []
    for state in leeches(events, library):
        card = library.cards[state.card]
        rows.append((card.id, f"{state.lapses} lapses", f"{card.path}:{card.line}"))
    return rows
