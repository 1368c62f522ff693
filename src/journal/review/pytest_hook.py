"""What pytest loads of the journal where both are installed: it records the learner's runs in the history.

Every start of pytest imports this file, so it imports nothing else until a run of exercises has ended. Without the
journal, `grading` finds no such plugin and grades all the same.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from grading.report import ExerciseReport


@pytest.hookimpl(optionalhook=True)
def pytest_grading_finished(report: ExerciseReport) -> list[str]:
    """Record the learner's own run, and return which cards are due because of it.

    An overlay, a run in CI and the page are not the learner.
    """
    if os.environ.get("REDRIVE_NO_HISTORY") or os.environ.get("CI") or sys.platform == "emscripten":
        return []
    steps = {step.n: step.outcome for step in report.steps.values() if step.outcome != "not_run"}
    if not steps or report.broken:
        return []
    from journal.review.learner_runs import cards_of_failed_steps, notice_of_older_file, record_run  # noqa: PLC0415

    if not record_run(report.place.slug, steps, report.place.file):
        return []
    failed = [n for n, outcome in steps.items() if outcome == "failed"]
    if not failed:
        return []
    slug, file = report.place.slug, report.place.file
    return [*notice_of_older_file(slug, file), *cards_of_failed_steps(slug, failed, file)]
