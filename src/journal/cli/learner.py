"""Commands for learners: what is due, what to do next, statistics, confidence, and how to restore a stub."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grading.steps import Step
from journal.cli.wording import count, local_time, table, warn
from journal.content.library import library
from journal.review.day import day_of, now_utc
from journal.review.history import default_history, effective, new_event
from journal.review.schedule import due_today, replay
from journal.review.standing import CACHE, standing
from journal.review.stats import confidence as stated_confidence
from journal.review.stats import (
    days_hit,
    forecast,
    last_outcomes,
    leeches,
    passed_steps,
    retention,
    reviews_a_day,
    streaks,
)
from journal.week.calibration import calibration, caveat, pooled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from journal.content.cards import Decks
    from journal.content.exercises import Exercise
    from journal.content.library import Library
    from journal.review.history import Event

FORECAST_DAYS = 7


@click.command()
@click.option("--cards", "each", is_flag=True, help="List every card with the time when it is due.")
def due(*, each: bool) -> None:
    """Show how many cards are due before the next 04:00, and how many are new."""
    content = library()
    decks = content.decks
    warn(content.deck_problems, "in the decks; the cards concerned are not counted")
    known = standing(default_history(content.root), decks, content.root / CACHE)
    warn(known.problems, "in the history; nothing was deleted")
    states = known.states
    now = now_utc()
    waiting = due_today(states, now)
    new = [card for card in decks.cards.values() if card.id not in states]
    click.echo(f"{count(len(waiting), 'card')} due today, {len(new)} new.")
    if each:
        rows = [(state.card, local_time(state.due_at, now)) for state in waiting]
        click.echo(table(rows), nl=bool(rows))
        return
    due_by, new_by = (Counter(card.topic for card in cards) for cards in ([decks.cards[s.card] for s in waiting], new))
    rows3 = [(topic, f"{due_by[topic]} due", f"{new_by[topic]} new") for topic in decks.topics]
    click.echo(table([row for row in rows3 if row[1:] != ("0 due", "0 new")]), nl=bool(rows3))


@click.command(name="next")
def next_up() -> None:
    """Show what to do next: an exercise step, where to read about it, and the cards that are due."""
    content = library()
    decks, exercises = content.decks, content.exercises
    loaded = default_history(content.root).load()
    warn(loaded.problems, "in the history; nothing was deleted")
    events = effective(loaded.events)
    found = _next_step(exercises, passed_steps(events))
    if found is None:
        click.echo("Every core step of every exercise is passed." if exercises else "There are no exercises yet.")
    else:
        exercise, step = found
        title = f": {step.title}" if step.title else ""
        failed = " (failed the last time)" if last_outcomes(events, exercise.slug).get(step.n) == "failed" else ""
        click.echo(f"Next: {exercise.slug}, step {step.n} of {len(exercise.core)}{title}{failed}")
        click.echo(f"  read  {_where_to_read(content, exercise, step)}")
        click.echo(f"  edit  exercises/{exercise.slug}/{exercise.slug}.py")
        click.echo(f"  run   .venv/bin/pytest exercises/{exercise.slug}")
        # The course's package imports pytest; only an exercise that has changed needs it.
        if (course := content.courses.get(exercise.slug)) and course.changes:
            from journal.content.older_files import notice  # noqa: PLC0415

            for line in notice(content.root, exercise.slug, course):
                click.echo(f"  {line}")
    states = replay(loaded.events, decks)
    waiting = len(due_today(states, now_utc()))
    new = len(decks.cards) - len(states)
    if waiting or new:
        click.echo(f"Cards: {waiting} due, {new} new. Answer them: journal quiz")
    else:
        click.echo("Cards: nothing is due.")
    pulled = [decks.cards[state.card] for state in states.values() if state.pulled_at is not None]
    if pulled:
        steps = ", ".join(sorted({str(card.step) for card in pulled}))
        click.echo(f"{count(len(pulled), 'card')} came back because a run failed at {steps}.")


def _next_step(exercises: list[Exercise], passed: dict[str, set[int]]) -> tuple[Exercise, Step] | None:
    for exercise in exercises:
        done = passed.get(exercise.slug, set())
        for step in exercise.core:
            if step.n not in done:
                return exercise, step
    return None


def _where_to_read(content: Library, exercise: Exercise, step: Step) -> str:
    """The lesson heading that the step's cards name, or else a lesson about the exercise, or else its README."""
    for card in content.decks.of_step(exercise.slug, step.n):
        return f"docs/{card.lesson}"
    for lesson in content.lessons:
        if exercise.slug in lesson.exercises:
            return lesson.path
    return f"exercises/{exercise.slug}/README.md"


@click.command()
def stats() -> None:
    """Show reviews, retention, forecast, days hit, leeches, confidence and exercises."""
    content = library()
    decks = content.decks
    loaded = default_history(content.root).load()
    warn(loaded.problems, "in the history; nothing was deleted")
    now = now_utc()
    click.echo(_overview(loaded.events, decks, now))
    for title, rows in (
        ("Due", _forecast_rows(loaded.events, decks, now)),
        ("Retention of learned cards", _retention_rows(loaded.events, decks)),
        ("Confidence", [(topic, f"{value} of 5") for topic, value in sorted(stated_confidence(loaded.events).items())]),
        ("Exercises", _exercise_rows(loaded.events, content.exercises)),
        ("Leeches: rewrite these", _leech_rows(loaded.events, decks)),
    ):
        if rows:
            click.echo(f"\n{click.style(title, bold=True)}\n{table(rows)}")
    told = _calibration_lines(loaded.events, decks)
    if told:
        click.echo(f"\n{click.style('Confidence against outcome', bold=True)}\n{told}")


def _overview(events: Sequence[Event], decks: Decks, now: datetime) -> str:
    today = day_of(now)
    a_day = reviews_a_day(events)
    days = days_hit(events)
    week = sum(a_day[today - timedelta(days=back)] for back in range(7))
    run = streaks(days, today)
    states = replay(events, decks)
    due, new = len(due_today(states, now)), len(decks.cards) - len(states)
    return "\n".join(
        (
            f"{count(len(decks.cards), 'card')}: {due} due today, {new} new.",
            f"{count(a_day.total(), 'review')}: {a_day[today]} today, {week} in the last 7 days.",
            f"{count(len(days), 'day')} hit; current streak {run.current}, longest {run.longest}.",
        )
    )


def _forecast_rows(events: Sequence[Event], decks: Decks, now: datetime) -> list[tuple[str, str]]:
    today = day_of(now)
    names = ("today", "tomorrow")
    return [
        (names[ahead] if ahead < len(names) else f"{today + timedelta(days=ahead):%a %d %b}", str(number))
        for ahead, number in enumerate(forecast(replay(events, decks), now, FORECAST_DAYS))
    ]


def _retention_rows(events: Sequence[Event], decks: Decks) -> list[tuple[str, str]]:
    return [
        (topic, f"{found.share:.0%} of {count(found.reviews, 'review')}")
        for topic, found in retention(events, decks).items()
        if found.share is not None
    ]


def _calibration_lines(events: Sequence[Event], decks: Decks) -> str:
    found = pooled(calibration(events, decks))
    rows = []
    for one in found:
        said = f"said {one.said:.2g} of 5" + (f" on average, {one.statements} times" if one.statements > 1 else "")
        happened = "nothing asked since"
        if one.share is not None:
            happened = f"then {one.right} of {count(one.outcomes, 'outcome')} right, {one.share:.0%}"
        rows.append((one.topic, said, happened))
    return f"{table(rows)}\n{caveat(sum(one.outcomes for one in found))}" if rows else ""


def _exercise_rows(events: Sequence[Event], exercises: Sequence[Exercise]) -> list[tuple[str, str]]:
    passed = passed_steps(effective(events))
    rows = []
    for exercise in exercises:
        done = passed.get(exercise.slug, set())
        core = sum(step.n in done for step in exercise.core)
        rows.append((exercise.slug, f"{core} of {len(exercise.core)} core steps passed"))
    return rows


def _leech_rows(events: Sequence[Event], decks: Decks) -> list[tuple[str, str, str]]:
    rows = []
    for state in leeches(events, decks):
        card = decks.cards[state.card]
        rows.append((card.id, f"{state.lapses} lapses", f"{card.path}:{card.line}"))
    return rows


@click.command()
@click.argument("topic")
@click.argument("value", type=click.IntRange(1, 5))
def confidence(topic: str, value: int) -> None:
    """Record how sure you are of TOPIC: VALUE is from 1 (not at all) to 5 (sure)."""
    content = library()
    topics = content.decks.topics
    if topic not in topics:
        raise click.ClickException(f"there is no topic {topic!r}; the topics are {', '.join(topics) or 'none yet'}")
    default_history(content.root).append(new_event("confidence", {"topic": topic, "value": value}, now_utc()))
    click.echo(f"{topic}: {value} of 5.")


@click.command()
@click.argument("slug")
@click.option(
    "--code",
    type=click.Path(path_type=Path),
    help="Lay the code of this file over the stub: your own file, or a kept copy.",
)
def reset(slug: str, code: Path | None) -> None:
    """Restore the stub of exercise SLUG. The command keeps a copy of your file and prints where it is.

    If the exercise has changed since you wrote your file, --code puts your code into the new stub.
    """
    # The course's package imports pytest, for which the other commands would wait.
    from journal.course.reset import ResetError  # noqa: PLC0415
    from journal.course.reset import reset as bring_back  # noqa: PLC0415

    root = library().root
    try:
        done = bring_back(root, slug, code)
    except ResetError as error:
        raise click.ClickException(str(error)) from error
    file = done.file.relative_to(root).as_posix()
    what = "the stub" if code is None else f"the stub with the code of {code}"
    if done.kept is None:
        click.echo(f"{file} is {what}.")
    else:
        click.echo(f"{file} is now {what}; your file as it was is in {done.kept.relative_to(root).as_posix()}.")
