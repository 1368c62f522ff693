"""The results of the tests of one exercise: what became of each test and each step, and the report as JSON."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grading.describe import Place
from grading.steps import steps_in
from grading.summary import FAILED, LOCAL_ONLY, NOT_RUN, NOT_STARTED, PASSED, summarize


@dataclass
class TestResult:
    """What became of one test."""

    __test__ = False

    id: str
    outcome: str
    message: str = ""
    line: int | None = None
    seed: int | None = None
    printed: str = ""
    function: str | None = None
    trace: list[dict[str, Any]] = field(default_factory=list)
    hung: bool = False


@dataclass
class StepResult:
    """A step of the README, with the tests that grade it."""

    n: int
    title: str
    stretch: bool = False
    tests: list[TestResult] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """The worst of its tests: failed, then not started, then local only, then passed."""
        seen = {test.outcome for test in self.tests}
        return next((outcome for outcome in (FAILED, NOT_STARTED, LOCAL_ONLY, PASSED) if outcome in seen), NOT_RUN)


def steps_of(place: Place) -> dict[int, StepResult]:
    """Return the steps that the exercise's tests name, none of which has run."""
    return {n: StepResult(n, step.title, step.stretch) for n, step in steps_in(place.folder).items()}


@dataclass
class ExerciseReport:
    """All results of one exercise in one run."""

    place: Place
    steps: dict[int, StepResult]
    broken: str | None = None
    broken_line: int | None = None
    module: str | None = None
    notes: list[str] = field(default_factory=list)

    def add(self, n: int, title: str, result: TestResult, *, stretch: bool) -> None:
        """Keep the result of a test; a later one of the same test replaces it."""
        step = self.steps.setdefault(n, StepResult(n, title, stretch))
        step.tests = [test for test in step.tests if test.id != result.id]
        step.tests.append(result)

    @property
    def core(self) -> list[StepResult]:
        """The steps that decide."""
        return [step for step in self.steps.values() if not step.stretch]

    @property
    def passed(self) -> bool:
        """Whether every core step passed; a step that cannot run here does not count as passed."""
        return self.broken is None and bool(self.core) and all(step.outcome == PASSED for step in self.core)

    def as_json(self) -> dict[str, Any]:
        """Return what `REDRIVE_REPORT` writes."""
        return {
            "slug": self.place.slug,
            "passed": self.passed,
            "seed": os.environ.get("REDRIVE_SEED"),
            "module": self.module,
            "broken": self.broken,
            "broken_line": self.broken_line,
            "steps": [
                {
                    "n": step.n,
                    "title": step.title,
                    "stretch": step.stretch,
                    "outcome": FAILED if self.broken else step.outcome,
                    "tests": [vars(test) for test in step.tests],
                }
                for step in sorted(self.steps.values(), key=lambda one: one.n)
            ],
            "text": self.lines(),
        }

    def lines(self) -> list[str]:
        """Return what the terminal shows."""
        return summarize(self)


def write_json(path: str, reports: list[ExerciseReport]) -> None:
    """Write one exercise's report as an object, several as `{"exercises": […]}`."""
    all_of_them = [report.as_json() for report in reports]
    data = all_of_them[0] if len(all_of_them) == 1 else {"exercises": all_of_them}
    Path(path).write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
