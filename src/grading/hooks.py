"""The hooks that `grading` offers to other plugins of pytest."""

from __future__ import annotations

import pytest

from grading.report import ExerciseReport


def pytest_grading_finished(config: pytest.Config, report: ExerciseReport) -> list[str] | None:
    """Do something with the finished report of one exercise.

    Called once for each exercise of a run, before the report is shown.

    Returns:
        Lines to show below what the learner should do next.
    """
