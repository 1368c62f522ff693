"""`journal watch`: grade the step at hand whenever the learner saves the file."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from journal.content.library import library
from journal.course.watch import Watch, run_pytest
from journal.review.history import default_history, effective
from journal.review.stats import passed_steps

if TYPE_CHECKING:
    from pathlib import Path

CLEAR = "\x1b[2J\x1b[3J\x1b[H"


class _Terminal:
    """The real terminal; see `journal.course.watch.Terminal`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def clear(self) -> None:
        """Clear the screen of a terminal; leave a file or a pipe alone."""
        if sys.stdout.isatty():
            click.echo(CLEAR, nl=False)

    def say(self, text: str) -> None:
        """Print a line."""
        click.echo(text)

    def wait(self, seconds: float) -> None:
        """Wait in real time."""
        time.sleep(seconds)

    def run(self, tests: Path) -> bool:
        """Run pytest on `tests`."""
        return run_pytest(self._root, tests)


@click.command()
@click.argument("slug", required=False)
@click.option("--step", type=click.IntRange(1), help="Begin with this step.  [default: the first one not passed yet]")
def watch(slug: str | None, step: int | None) -> None:
    """Run the next step of exercise SLUG whenever you save your file, until all steps pass.

    Without SLUG, watch the exercise that `journal next` names. Ctrl+C stops. The command never changes your file.
    """
    content = library()
    exercises = {exercise.slug: exercise for exercise in content.exercises}
    passed = passed_steps(effective(default_history(content.root).load().events))
    if slug is None:
        open_ones = [one for one in content.exercises if {s.n for s in one.core} - passed.get(one.slug, set())]
        if not open_ones:
            raise click.ClickException("every core step is passed; name the exercise to watch")
        slug = open_ones[0].slug
    if slug not in exercises:
        raise click.ClickException(f"there is no exercise {slug!r}; there are {', '.join(exercises) or 'none'}")
    steps = exercises[slug].steps
    numbers = [one.n for one in steps]
    if step is not None and step not in numbers:
        raise click.ClickException(f"{slug} has no step {step}; its steps are {', '.join(map(str, numbers))}")
    done = passed.get(slug, set())
    first = step or next((n for n in numbers if n not in done), numbers[0])
    try:
        Watch(content.root, slug, steps, first, _Terminal(content.root)).run()
    except KeyboardInterrupt:
        click.echo("\nStopped. Your file is as you saved it.")
