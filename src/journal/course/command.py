"""`journal course`, which is `make course`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.content.problems import ContentError, Problem
from journal.content.repository import find_root
from journal.course.audit import AuditError, audit
from journal.course.exercises import find_exercises
from journal.course.grades import grade_all
from journal.course.records import record
from journal.course.texts import check_texts
from journal.course.twins import check_twins

if TYPE_CHECKING:
    from journal.course.audit import Audit
    from journal.course.grades import Tally


@click.command()
@click.argument("slugs", nargs=-1)
@click.option(
    "--seeds", default=1, show_default=True, help="Sweeps of seeds for each solution; a tenth for wrong ones."
)
@click.option("--mutants", is_flag=True, help="Also try every mutant of each solution: minutes.")
@click.option("--record", "recorded", is_flag=True, help="As --mutants, and keep the numbers for the graders' page.")
@click.option("--texts", is_flag=True, help="Only what can be seen without running anything.")
def command(slugs: tuple[str, ...], seeds: int, *, mutants: bool, recorded: bool, texts: bool) -> None:
    """Check the exercises and their graders; without SLUGS, all of them."""
    root = find_root()
    exercises = find_exercises(root)
    known = {exercise.slug for exercise in exercises}
    if unknown := [slug for slug in slugs if slug not in known]:
        raise click.UsageError(f"there is no exercise {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    chosen = [exercise for exercise in exercises if not slugs or exercise.slug in slugs]
    problems: list[Problem] = []
    for exercise in chosen:
        problems += check_texts(exercise)
        problems += check_twins(exercise)
    tallies: dict[str, Tally] = {}
    if not texts:
        found = grade_all(chosen, seeds=seeds, tell=click.echo)
        problems += found.problems
        tallies = found.tallies
    audits: dict[str, Audit] = {}
    if (mutants or recorded) and not texts:
        for exercise in [one for one in chosen if not one.graded_against]:
            try:
                audits[exercise.slug] = audit(exercise, tell=click.echo)
                problems += audits[exercise.slug].faults()
            except AuditError as error:
                problems.append(Problem(exercise.path("solution"), 0, str(error)))
    if recorded and not texts:
        click.echo(f"kept in {record(root, chosen, tallies, audits).relative_to(root)}")
    if problems:
        raise ContentError(problems)
    click.echo(f"The course holds: {', '.join(exercise.slug for exercise in chosen)}.")
