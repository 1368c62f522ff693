"""The record of the last grading of the graders, `.redrive/graders.json`: written by `journal course --record`.

Git ignores it, as it says what was run on one machine; the graders' page shows it, or says that nothing was run there.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from grading.overlay import OverlayError, engine_files, grade
from journal.proofs.record import git_state
from journal.review.day import day_of, now_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from journal.course.audit import Audit
    from journal.course.exercises import Exercise
    from journal.course.grades import Tally

VERSION = 1


@dataclass(frozen=True, slots=True)
class GraderRecord:
    """One exercise, as it was graded.

    Attributes:
        slug: which exercise.
        on: the day, ISO.
        commit: git's HEAD, "" without git; `dirty` whether tracked files differed from it.
        digest: of everything that was graded and graded with; another one means that this record is old.
        steps: how many steps it has.
        solutions: right ones, of which `accepted` passed under every seed.
        wrong: wrong ones, of which `caught` failed as they declare under every seed.
        sweeps: of seeds for right ones; `wrong_sweeps` for wrong ones.
        flaky: files whose verdict differed between sweeps.
        solution_s: real seconds that the learner's own command took on the solution; None if it could not be run.
        mutants: how many there are; None where the learner writes tests.
        killed: of them, noticed by a test; `equivalent`: listed with the reason; `alive`: neither.
    """

    slug: str
    on: str
    commit: str
    dirty: bool
    digest: str
    steps: int
    solutions: int
    accepted: int
    wrong: int
    caught: int
    sweeps: int
    wrong_sweeps: int
    flaky: tuple[str, ...]
    solution_s: float | None
    mutants: int | None
    killed: int | None
    equivalent: int | None
    alive: int | None


def record_path(root: Path) -> Path:
    """Return where the record lies."""
    return root / ".redrive" / "graders.json"


def read_records(root: Path) -> dict[str, GraderRecord]:
    """Return the last record of each exercise, by slug; a file that cannot be read holds none."""
    try:
        data = json.loads(record_path(root).read_text(encoding="utf-8"))
        found = [GraderRecord(**{**one, "flaky": tuple(one["flaky"])}) for one in data["exercises"]]
    except (OSError, ValueError, KeyError, TypeError):
        # The next run writes it again; a page must not fail for it.
        return {}
    return {one.slug: one for one in found}


def record(
    root: Path, exercises: Iterable[Exercise], tallies: Mapping[str, Tally], audits: Mapping[str, Audit]
) -> Path:
    """Keep what came of grading these exercises, in place of their earlier records, and return the file."""
    commit, dirty = git_state(root)
    on = day_of(now_utc()).isoformat()
    kept = read_records(root)
    for exercise in exercises:
        tally, audit = tallies[exercise.slug], audits.get(exercise.slug)
        kept[exercise.slug] = GraderRecord(
            slug=exercise.slug,
            on=on,
            commit=commit,
            dirty=dirty,
            digest=digest(exercise),
            **asdict(tally) | {"flaky": tally.flaky},
            solution_s=_solution_s(exercise),
            mutants=audit.total if audit else None,
            killed=audit.killed if audit else None,
            equivalent=len(audit.justified) if audit else None,
            alive=len(audit.alive) if audit else None,
        )
    path = record_path(root)
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    data = {"v": VERSION, "exercises": [asdict(kept[slug]) for slug in sorted(kept)]}
    fresh.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)
    return path


def digest(exercise: Exercise) -> str:
    """Return a digest of the tests, the solutions, the wrong ones, the list of equivalents and the engine."""
    root = exercise.root
    files = exercise.tests
    for slug in filter(None, (exercise.slug, exercise.graded_against)):
        files += (root / "solutions" / slug).rglob("*.py")
    files += (root / "solutions" / exercise.slug).glob("*.toml")
    named = {file.relative_to(root).as_posix(): file for file in files} | dict(engine_files(root))
    summed = hashlib.sha256()
    for name, file in sorted(named.items()):
        summed.update(f"{name}\0".encode() + file.read_bytes() + b"\0")
    return summed.hexdigest()[:16]


def _solution_s(exercise: Exercise) -> float | None:
    started_at = time.monotonic()
    try:
        grade(exercise.root, exercise.slug, exercise.text("solution"))
    except OverlayError:
        return None
    return round(time.monotonic() - started_at, 1)
