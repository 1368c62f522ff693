"""The exercises as the journal sees them: found by looking, their steps read from their tests without an import."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from journal.content.settings import Course


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an exercise's README; a stretch step is graded and blocks nothing."""

    number: int
    title: str
    stretch: bool


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise, its steps by number."""

    slug: str
    steps: tuple[Step, ...]

    @property
    def core(self) -> tuple[Step, ...]:
        """The steps that decide whether it is passed."""
        return tuple(step for step in self.steps if not step.stretch)


def find_exercises(root: Path, courses: Mapping[str, Course]) -> list[Exercise]:
    """Return every exercise: those that declare their order first, the others by slug."""
    found = {
        path.parent.name: path
        for path in sorted((root / "exercises").glob("*/test_*.py"))
        if path.name == f"test_{path.parent.name}.py"
    }
    return [Exercise(slug, _steps(found[slug])) for slug in sorted(found, key=lambda slug: place(courses, slug))]


def place(courses: Mapping[str, Course], slug: str) -> tuple[int, str]:
    """Return what exercises are ordered by: the place that they declare, then the slug."""
    course = courses.get(slug)
    return (course.order if course and course.order is not None else 1000, slug)


def _steps(tests: Path) -> tuple[Step, ...]:
    stat = tests.stat()
    return _read_steps(tests, stat.st_mtime_ns, stat.st_size)


@cache
def _read_steps(tests: Path, _mtime_ns: int, _size: int) -> tuple[Step, ...]:
    try:
        tree = ast.parse(tests.read_text(encoding="utf-8"))
    except SyntaxError:
        return ()
    steps: dict[int, Step] = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "step"):
            continue
        values = [value.value for value in node.args if isinstance(value, ast.Constant)]
        named = {word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}
        if values and isinstance(values[0], int):
            title = str(values[1]) if len(values) > 1 else ""
            steps.setdefault(values[0], Step(values[0], title, bool(named.get("stretch"))))
    return tuple(steps[number] for number in sorted(steps))
