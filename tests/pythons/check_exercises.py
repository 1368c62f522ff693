"""Run by each other interpreter: its graders pass the reference solutions. `make test` doesn't collect this name."""

from pathlib import Path

import pytest

from grading.overlay import grade

ROOT = Path(__file__).parents[2]
SLUGS = sorted(folder.parent.name for folder in (ROOT / "exercises").glob("*/course.toml"))


@pytest.mark.parametrize("slug", SLUGS)
def test_the_solution_passes_its_exercise(slug):
    graded = grade(ROOT, slug, (ROOT / "solutions" / slug / f"{slug}.py").read_text("utf-8"))
    assert graded.everything_passed, graded.output
