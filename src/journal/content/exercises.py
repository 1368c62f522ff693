"""The exercises as the journal sees them: found by their folders; their steps are read from their tests as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grading.steps import Step, find_slugs, steps_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from journal.content.settings import Course


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
    """Return every exercise: first those that declare an order, in that order, then the others by slug."""
    slugs = sorted(find_slugs(root), key=lambda slug: place(courses, slug))
    return [Exercise(slug, tuple(steps_in(root / "exercises" / slug).values())) for slug in slugs]


def place(courses: Mapping[str, Course], slug: str) -> tuple[int, str]:
    """Return the sort key of exercises: the order that they declare, then the slug."""
    course = courses.get(slug)
    return (course.order if course and course.order is not None else 1000, slug)
