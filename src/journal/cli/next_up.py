"""`journal next`: the next step to write, where to read about it, and the cards that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.cli.wording import count, warn
from journal.content.cards import read_decks
from journal.content.exercises import find_exercises, last_outcomes, passed_steps
from journal.content.lessons import read_lessons
from journal.content.repository import find_root
from journal.review.day import now_utc
from journal.review.history import default_history, effective
from journal.review.schedule import due_today, replay

if TYPE_CHECKING:
    from pathlib import Path

    from journal.content.cards import Library
    from journal.content.exercises import Exercise, Step


@click.command(name="next")
def next_up() -> None:
    """Say what to do now: the next exercise step, where to read, the due cards."""
    root = find_root()
    library, _problems = read_decks(root)
    loaded = default_history(root).load()
    warn(loaded.problems, "in the history; nothing was deleted")
    exercises = find_exercises(root)
    events = effective(loaded.events)
    found = _next_step(exercises, passed_steps(events))
    if found is None:
        click.echo("Every core step of every exercise is passed." if exercises else "There are no exercises yet.")
    else:
        exercise, step = found
        title = f": {step.title}" if step.title else ""
        failed = " (failed the last time)" if last_outcomes(events, exercise.slug).get(step.number) == "failed" else ""
        click.echo(f"Next: {exercise.slug}, step {step.number} of {len(exercise.core)}{title}{failed}")
        click.echo(f"  read  {_where_to_read(root, library, exercise, step)}")
        click.echo(f"  edit  exercises/{exercise.slug}/{exercise.slug}.py")
        click.echo(f"  run   .venv/bin/pytest exercises/{exercise.slug}")
    states = replay(loaded.events, library)
    waiting = len(due_today(states, now_utc()))
    new = len(library.cards) - len(states)
    if waiting or new:
        click.echo(f"Cards: {waiting} due, {new} new. Answer them: journal quiz")
    else:
        click.echo("Cards: nothing is due.")
    pulled = [library.cards[state.card] for state in states.values() if state.pulled_at is not None]
    if pulled:
        steps = ", ".join(sorted({str(card.step) for card in pulled}))
        click.echo(f"{count(len(pulled), 'card')} came back because a run failed at {steps}.")


def _next_step(exercises: list[Exercise], passed: dict[str, set[int]]) -> tuple[Exercise, Step] | None:
    for exercise in exercises:
        done = passed.get(exercise.slug, set())
        for step in exercise.core:
            if step.number not in done:
                return exercise, step
    return None


def _where_to_read(root: Path, library: Library, exercise: Exercise, step: Step) -> str:
    """The lesson heading that the step's cards name; else the lesson that names the exercise; else its README."""
    for card in library.of_step(exercise.slug, step.number):
        return f"docs/{card.lesson}"
    for lesson in read_lessons(root)[0]:
        if exercise.slug in lesson.exercises:
            return lesson.path
    return f"exercises/{exercise.slug}/README.md"
