"""Audit a solution's mutants: a test kills each, or a list calls it equivalent with a reason, or the tests have a hole.

A kill counts only after the unchanged solution has passed under the same settings; otherwise a folder in which
everything fails would kill every mutant. `solutions/<slug>/equivalent.toml` lists the mutants that no caller can tell
from the solution:

    [[equivalent]]
    function = "Channel.put"
    change = "2 as 3"
    occurrence = 1
    reason = "one sentence"
"""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grading.grader import Graders
from grading.overlay import OverlayError, OverlayTimeoutError
from journal.content.problems import Problem
from journal.course.mutants import MODULE, Mutant, mutants_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.course.exercises import Exercise

AT_ONCE = 2
KEYS = {"function": str, "change": str, "occurrence": int, "reason": str}
_FORM = 'write function, change and occurrence as `journal course --mutants` prints them, and reason = "one sentence"'


class AuditError(Exception):
    """The mutants could not be graded; the message says why."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The results of the mutants that were tried.

    Attributes:
        slug: the exercise's.
        path: the solution's.
        tried: how many mutants were graded, of `total`.
        killed: how many of them a test noticed, listed ones left out.
        alive: passed every test, and nobody has said why.
        justified: passed every test, and are listed with the reason.
        refuted: are listed, and a test kills them.
        stale: are listed, and the solution has no such mutant.
    """

    slug: str
    path: str
    total: int
    tried: int
    killed: int
    alive: tuple[Mutant, ...]
    justified: tuple[Mutant, ...]
    refuted: tuple[Mutant, ...]
    stale: tuple[tuple[str, str, int], ...]
    problems: tuple[Problem, ...] = field(default=())

    def faults(self) -> list[Problem]:
        """Return what keeps the tests, or the list of equivalents, from being believed."""
        listing = self.path.rpartition("/")[0] + "/equivalent.toml"
        return [
            *self.problems,
            *(
                Problem(
                    self.path, one.line, f"no test notices {_called(one.name)}; add the mistake to wrong/ or list it"
                )
                for one in self.alive
            ),
            *(
                Problem(listing, 0, f"lists {_called(one.name)}, and a test kills it; take it out")
                for one in self.refuted
            ),
            *(
                Problem(listing, 0, f"lists {_called(name)}, which is no mutant of the solution; correct it")
                for name in self.stale
            ),
        ]

    def line(self) -> str:
        """Return the numbers in one line."""
        rest = f", {len(self.justified)} equivalent" if self.justified else ""
        open_ = f", {len(self.alive)} that no test notices" if self.alive else ""
        return f"{self.slug}: {self.killed} of {self.tried} mutants killed{rest}{open_} ({self.total} there are)"


def audit(exercise: Exercise, *, at_most: int | None = None, tell: Callable[[str], None] = lambda _line: None) -> Audit:
    """Grade the mutants of an exercise's solution.

    Args:
        exercise: whose solution.
        at_most: how many to try, drawn at random with a fixed seed; None for all.
        tell: called with a line at the end.

    Raises:
        AuditError: the unchanged solution does not pass, or a mutant could not be graded.
    """
    if exercise.graded_against:
        raise AuditError(f"{exercise.slug} asks for tests, and mutants are made of what tests are put to")
    equivalents, problems = read_equivalents(exercise)
    everything = mutants_of(exercise.text("solution"))
    tried = everything
    if at_most is not None and at_most < len(everything):
        chosen = random.Random(exercise.slug).sample(range(len(everything)), at_most)
        tried = [everything[index] for index in sorted(chosen)]
    with Graders(exercise.root, AT_ONCE) as graders:
        if not _passing(exercise, graders, [exercise.text("solution")])[0]:
            raise AuditError(f"{exercise.path('solution')} does not pass as it is; fix it before its mutants are tried")
        passed = _passing(exercise, graders, [mutant.text for mutant in tried])
        # A listed one that failed is tried again, since load may fail a test of speed.
        doubtful = [n for n, mutant in enumerate(tried) if mutant.name in equivalents and not passed[n]]
        for n, passes in zip(doubtful, _passing(exercise, graders, [tried[n].text for n in doubtful]), strict=True):
            passed[n] = passes
    alive = [mutant for mutant, passes in zip(tried, passed, strict=True) if passes]
    names = {mutant.name for mutant in everything}
    refuted = [
        mutant for mutant, passes in zip(tried, passed, strict=True) if not passes and mutant.name in equivalents
    ]
    found = Audit(
        slug=exercise.slug,
        path=exercise.path("solution"),
        total=len(everything),
        tried=len(tried),
        killed=len(tried) - len(alive),
        alive=tuple(mutant for mutant in alive if mutant.name not in equivalents),
        justified=tuple(mutant for mutant in alive if mutant.name in equivalents),
        refuted=tuple(refuted),
        stale=tuple(name for name in equivalents if name not in names),
        problems=tuple(problems),
    )
    tell(found.line())
    return found


def read_equivalents(exercise: Exercise) -> tuple[dict[tuple[str, str, int], str], list[Problem]]:
    """Return the reason of each mutant listed as equivalent, by its name, and what is wrong with the list."""
    path = exercise.path("equivalent")
    if not exercise.has("equivalent"):
        return {}, []
    try:
        data = tomllib.loads(exercise.text("equivalent"))
    except tomllib.TOMLDecodeError as error:
        return {}, [Problem(path, 0, f"is no TOML: {error}")]
    found: dict[tuple[str, str, int], str] = {}
    problems = []
    entries = data.get("equivalent")
    if set(data) != {"equivalent"} or not isinstance(entries, list):
        return {}, [Problem(path, 0, f"holds something else than [[equivalent]] entries; {_FORM}")]
    for number, given in enumerate(entries, 1):
        entry = {"function": MODULE, "occurrence": 1, **given}
        wrong = [key for key, kind in KEYS.items() if not isinstance(entry.get(key), kind) or not entry[key]]
        unknown = sorted(entry.keys() - KEYS.keys())
        if wrong or unknown:
            problems.append(Problem(path, 0, f"entry {number} has a fault in {', '.join([*wrong, *unknown])}; {_FORM}"))
            continue
        name = (entry["function"], entry["change"], entry["occurrence"])
        if name in found:
            problems.append(Problem(path, 0, f"lists {_called(name)} twice; keep one"))
        found[name] = entry["reason"]
    return found, problems


def _passing(exercise: Exercise, graders: Graders, texts: list[str]) -> list[bool]:
    """Return which of these files pass everything, each stopped at its first failure."""
    waiting = [graders.submit(exercise.slug, text, arguments=("-x",)) for text in texts]
    passed = []
    for result in waiting:
        try:
            passed.append(result().returncode == 0)
        except OverlayTimeoutError:
            passed.append(False)
        except OverlayError as error:
            raise AuditError(f"{exercise.slug}: a mutant could not be graded: {error}") from error
    return passed


def _called(name: tuple[str, str, int]) -> str:
    function, change, occurrence = name
    return f"function = {function!r}, change = {change!r}, occurrence = {occurrence}"
