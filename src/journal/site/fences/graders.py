"""The graders fence: for each exercise, how its grader came out when it was graded itself.

The numbers are those that `journal course --record` kept on this machine; where it has not been run, that is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.course.audit import read_equivalents
from journal.course.exercises import Exercise, find_exercises
from journal.course.records import GraderRecord, digest, read_records
from journal.site.fences.fence import as_fence
from journal.site.fences.templates import Link, fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place

COMMAND = ".venv/bin/journal course --record --seeds 10"
HEAD = (
    "Exercise",
    "Right solutions accepted",
    "Wrong solutions caught",
    "Mutants killed",
    "Equivalent",
    "Sweeps of seeds",
    "Flaky verdicts",
    "A run of the solution",
    "Graded",
)


def render(_options: Mapping[str, Any], place: Place) -> str:
    """Return the table, and each exercise's equivalent mutants with their reasons."""
    records = read_records(place.root)
    exercises = find_exercises(place.root)
    equivalents = [(exercise.slug, read_equivalents(exercise)[0]) for exercise in exercises]
    return fill(
        "graders.html",
        head=HEAD,
        rows=[_row(exercise, records.get(exercise.slug), place) for exercise in exercises],
        missing=[exercise.slug for exercise in exercises if exercise.slug not in records],
        command=COMMAND,
        equivalents=[
            (slug, [(function, change, reason) for (function, change, _occurrence), reason in reasons.items()])
            for slug, reasons in equivalents
            if reasons
        ],
    )


def _row(exercise: Exercise, record: GraderRecord | None, place: Place) -> list[str]:
    name = fill("link.html", link=Link(place.link(f"exercises/{exercise.slug}.md"), exercise.slug))
    return [name, *(["not run here", *[""] * (len(HEAD) - 2)] if record is None else _cells(exercise, record))]


def _cells(exercise: Exercise, record: GraderRecord) -> list[str]:
    killed, equivalent = "asks for tests", "none"
    if record.mutants is not None:
        alive = f", {record.alive} alive" if record.alive else ""
        killed, equivalent = f"{record.killed} of {record.mutants}{alive}", str(record.equivalent)
    when = f"{record.on}, {record.commit or 'without git'}" + (" with changes" if record.dirty else "")
    if digest(exercise) != record.digest:
        when += " (changed since)"
    return [
        f"{record.accepted} of {record.solutions}",
        f"{record.caught} of {record.wrong}",
        killed,
        equivalent,
        f"{record.sweeps}, wrong ones {record.wrong_sweeps}",
        str(len(record.flaky)) + (f": {', '.join(record.flaky)}" if record.flaky else ""),
        "could not be run" if record.solution_s is None else f"{record.solution_s:g} s",
        when,
    ]


fence = as_fence(render)
