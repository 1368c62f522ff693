"""The graders fence: for each exercise, how its grader came out when it was graded itself.

The numbers are those that `journal course --record` kept on this machine; where it has not been run, that is said.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from journal.course.audit import read_equivalents
from journal.course.exercises import Exercise, find_exercises
from journal.course.records import GraderRecord, digest, read_records
from journal.site.fences.fence import as_fence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown

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


def render(_options: Mapping[str, Any], place: Place, _md: Markdown | None = None) -> str:
    """Return the table, and each exercise's equivalent mutants with their reasons."""
    records = read_records(place.root)
    exercises = find_exercises(place.root)
    rows = "".join(_row(exercise, records.get(exercise.slug), place) for exercise in exercises)
    head = "".join(f'<th scope="col">{cell}</th>' for cell in HEAD)
    missing = [exercise.slug for exercise in exercises if exercise.slug not in records]
    note = ""
    if missing:
        note = (
            f"<p>Not run here: {', '.join(missing)}. <code>{COMMAND}</code> grades the graders, in some minutes, and "
            "this page shows what came out.</p>"
        )
    table = (
        '<div class="rd-record" tabindex="0" role="group" aria-label="Graders">'
        f'<table class="rd-grid"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
    return note + table + "".join(_reasons(exercise) for exercise in exercises)


def _row(exercise: Exercise, record: GraderRecord | None, place: Place) -> str:
    name = f'<a href="{place.link(f"exercises/{exercise.slug}.md")}">{html.escape(exercise.slug)}</a>'
    cells = ["not run here", *[""] * (len(HEAD) - 2)] if record is None else _cells(exercise, record)
    return f'<tr><th scope="row">{name}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _cells(exercise: Exercise, record: GraderRecord) -> list[str]:
    killed, equivalent = "asks for tests", "none"
    if record.mutants is not None:
        alive = f", {record.alive} alive" if record.alive else ""
        killed, equivalent = f"{record.killed} of {record.mutants}{alive}", str(record.equivalent)
    when = html.escape(f"{record.on}, {record.commit or 'without git'}" + (" with changes" if record.dirty else ""))
    if digest(exercise) != record.digest:
        when += " <em>(changed since)</em>"
    return [
        f"{record.accepted} of {record.solutions}",
        f"{record.caught} of {record.wrong}",
        killed,
        equivalent,
        f"{record.sweeps}, wrong ones {record.wrong_sweeps}",
        str(len(record.flaky)) + (f": {html.escape(', '.join(record.flaky))}" if record.flaky else ""),
        "could not be run" if record.solution_s is None else f"{record.solution_s:g} s",
        when,
    ]


def _reasons(exercise: Exercise) -> str:
    reasons = read_equivalents(exercise)[0]
    if not reasons:
        return ""
    items = "".join(
        f"<li><code>{html.escape(function)}</code>: <code>{html.escape(change)}</code>. {html.escape(reason)}</li>"
        for (function, change, _occurrence), reason in reasons.items()
    )
    name = html.escape(exercise.slug)
    return (
        f"<details><summary>{name}: {len(reasons)} mutants that no caller can tell</summary><ul>{items}</ul></details>"
    )


fence = as_fence(render)
