"""`journal course`, which is `make course`, and `journal course show`."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from journal.content.problems import ContentError, Problem
from journal.content.repository import find_root
from journal.course.audit import AuditError, audit
from journal.course.declared import Wrong, read_wrong
from journal.course.exercises import find_exercises
from journal.course.grades import grade_all
from journal.course.records import record
from journal.course.texts import check_texts
from journal.course.twins import check_twins

if TYPE_CHECKING:
    from journal.course.audit import Audit
    from journal.course.grades import Tally


class _ChecksByDefault(click.Group):
    """A group for which `journal course backoff` is `journal course check backoff`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Treat words that name no command as the arguments of `check`."""
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["check", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ChecksByDefault)
def command() -> None:
    """Check the exercises and their graders (you may leave out `check`), or show a wrong solution."""


@command.command()
@click.argument("name", metavar="SLUG/NAME")
def show(name: str) -> None:
    """Print the whole program of a wrong solution, such as backoff/overflow."""
    root = find_root()
    slug, _, stem = name.partition("/")
    file = root / "solutions" / slug / "wrong" / f"{stem.removesuffix('.py')}.py"
    if not file.is_file():
        known = sorted(f"{path.parent.parent.name}/{path.stem}" for path in root.glob("solutions/*/wrong/*.py"))
        near = difflib.get_close_matches(name, known) or known[:1]
        raise click.UsageError(f"there is no wrong solution {name}; try {' or '.join(near)}")
    wrong = read_wrong(file, root)
    if not isinstance(wrong, Wrong):
        raise ContentError(wrong)
    click.echo(f"{wrong.path}: {wrong.mistake}", err=True)
    click.echo(wrong.text, nl=False)


@command.command()
@click.argument("slugs", nargs=-1)
@click.option(
    "--seeds", default=1, show_default=True, help="Sweeps of seeds for each solution; a tenth for wrong ones."
)
@click.option("--mutants", is_flag=True, help="Also try every mutant of each solution; takes minutes.")
@click.option("--record", "recorded", is_flag=True, help="Like --mutants, and save the numbers for the graders' page.")
@click.option("--texts", is_flag=True, help="Check only what needs no run.")
def check(slugs: tuple[str, ...], seeds: int, *, mutants: bool, recorded: bool, texts: bool) -> None:
    """Check the exercises SLUGS and their graders; without SLUGS, check all of them."""
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
        click.echo(f"saved in {record(root, chosen, tallies, audits).relative_to(root)}")
    if problems:
        raise ContentError(problems)
    click.echo(f"No problems in {', '.join(exercise.slug for exercise in chosen)}.")
