"""Where an exercise's files are, and what its tests and its README say about its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grading.overlay import git_head_text, graded_against, is_git_root
from grading.steps import Step, find_slugs, steps_in, tests_of

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Exercise:
    """One slug and its files below the journal's root."""

    root: Path
    slug: str

    def path(self, kind: str) -> str:
        """Return where a part of the exercise belongs, relative to the root."""
        slug = self.slug
        return {
            "stub": f"exercises/{slug}/{slug}.py",
            "tests": f"exercises/{slug}",
            "readme": f"exercises/{slug}/README.md",
            "solution": f"solutions/{slug}/{slug}.py",
            "notes": f"solutions/{slug}/NOTES.md",
            "alternatives": f"solutions/{slug}/alternatives",
            "wrong": f"solutions/{slug}/wrong",
            "equivalent": f"solutions/{slug}/equivalent.toml",
            "page": f"docs/exercises/{slug}.md",
            "notebook": f"notebooks/{slug}.ipynb",
            "deck": f"docs/quizzes/{slug}.yml",
        }[kind]

    @property
    def graded_against(self) -> str | None:
        """The exercise whose solutions the learner's tests are put to; None where the learner writes code."""
        return graded_against(self.root, self.slug)

    @property
    def tests(self) -> list[Path]:
        """The files of its tests: one for each step, and what they share."""
        return tests_of(self.root / self.path("tests"))

    @property
    def steps(self) -> dict[int, Step]:
        """The steps that its tests name, by number."""
        return steps_in(self.root / self.path("tests"))

    @property
    def uses_network(self) -> bool:
        """Whether a test runs on a seeded network, so that seeds decide its schedule."""
        return any("network" in file.read_text(encoding="utf-8") for file in self.tests)

    def has(self, kind: str) -> bool:
        """Whether that part is there."""
        return (self.root / self.path(kind)).exists()

    def text(self, kind: str) -> str:
        """Return a part's text."""
        return (self.root / self.path(kind)).read_text(encoding="utf-8")

    def stub(self) -> str | None:
        """Return the stub from git's HEAD; that of an exercise that is not committed yet, from the folder.

        Without git nobody can tell the stub from the learner's work: None, and it is not checked.
        """
        committed = git_head_text(self.root, self.path("stub"))
        if committed is not None:
            return committed
        return self.text("stub") if self.has("stub") and is_git_root(self.root) else None

    def files_in(self, kind: str) -> list[Path]:
        """List the Python files of a folder part, by name."""
        return sorted((self.root / self.path(kind)).glob("*.py"))


def find_exercises(root: Path) -> list[Exercise]:
    """List the exercises that are there."""
    return [Exercise(root, slug) for slug in find_slugs(root)]
