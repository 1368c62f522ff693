"""What a run of an exercise prints: the failure that tells most, one line on the steps, and what to do next.

A failure fits on twenty lines of 100 columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grading.columns import MARGIN, fit, labelled, wrapped
from grading.steps import where_to_read

if TYPE_CHECKING:
    from grading.report import ExerciseReport, StepResult, TestResult

PASSED, FAILED, NOT_STARTED, LOCAL_ONLY, NOT_RUN = "passed", "failed", "not_started", "local_only", "not_run"
MARKS = {PASSED: "[ok]", FAILED: "[NO]", NOT_STARTED: "[..]", LOCAL_ONLY: "[--]", NOT_RUN: "[--]"}
WORDS = {
    PASSED: "passed",
    FAILED: "failed",
    NOT_STARTED: "not started",
    LOCAL_ONLY: "run locally: it needs threads or processes",
    NOT_RUN: "not run this time",
}
MAX_PRINTED = 15


def summarize(report: ExerciseReport) -> list[str]:
    """Return what the terminal shows."""
    steps = sorted(report.steps.values(), key=lambda one: one.n)
    if report.broken:
        head = [f"{report.place.slug}: no step could start", "", f"          {report.broken}", ""]
        return [*head, *_table(steps, broken=True), "", f"Fix {report.place.shown}, then run it again."]
    failed = next((step for step in steps if step.outcome == FAILED), None)
    if failed is None:
        return [*_table(steps), "", *_what_next(report, steps)]
    worst = most_telling(failed)
    return [
        *_failure(report, failed, worst),
        "",
        *wrapped(_in_one_line(steps)),
        *_same_mistake(steps, failed, worst),
        *_what_next(report, steps),
    ]


def most_telling(step: StepResult) -> TestResult:
    """Return the failing test to show: the first in the file that did not merely hang, where there is one."""
    failed = [test for test in step.tests if test.outcome == FAILED]
    return next((test for test in failed if not test.hung), failed[0])


def _failure(report: ExerciseReport, step: StepResult, test: TestResult) -> list[str]:
    name = test.id.rpartition("::")[2].partition("[")[0]
    lines = [f"{report.place.slug}, step {step.n}, {step.title}: {name}", ""]
    lines += [" " * MARGIN + line for line in fit(_message_of(test))]
    lines.extend(f"  printed   {line}" for line in test.printed.splitlines()[-MAX_PRINTED:])
    return lines


def _message_of(test: TestResult) -> list[str]:
    lines = test.message.splitlines()
    if test.seed is not None:
        again = f"REDRIVE_SEED={test.seed} .venv/bin/pytest {test.id.partition('::')[0]}"
        lines += labelled("seed", f"{test.seed}; to repeat exactly this run:\n{again}").splitlines()
    return lines


def _table(steps: list[StepResult], *, broken: bool = False) -> list[str]:
    width = max((len(step.title) for step in steps), default=0) + 22
    lines = []
    for step in steps:
        name = f"step {step.n}  {step.title}" + ("  (stretch)" if step.stretch else "")
        word = "could not start" if broken else WORDS[step.outcome]
        lines.append(f"  {MARKS[FAILED if broken else step.outcome]} {name:<{width}} {word}")
    return lines


def _in_one_line(steps: list[StepResult]) -> str:
    parts = []
    for outcome in (PASSED, FAILED, NOT_STARTED, LOCAL_ONLY, NOT_RUN):
        those = [step for step in steps if step.outcome == outcome]
        names = [str(step.n) + (_count(step) if outcome == FAILED else "") for step in those]
        if names:
            parts.append(
                f"{WORDS[outcome].partition(':')[0]}: {'step' if len(names) == 1 else 'steps'} {', '.join(names)}"
            )
    return "   ".join(parts)


def _count(step: StepResult) -> str:
    failed = sum(test.outcome == FAILED for test in step.tests)
    return f" ({failed} of {len(step.tests)} tests)" if len(step.tests) > 1 else ""


def _same_mistake(steps: list[StepResult], first: StepResult, worst: TestResult) -> list[str]:
    """Say of the other failing steps whether they fail at the same place."""
    others = [step for step in steps if step.outcome == FAILED and step is not first]
    if not others:
        return []
    same: list[str] = []
    unknown: list[str] = []
    for step in others:
        failed = [test for test in step.tests if test.outcome == FAILED]
        alike = any(_at_one_place(worst, test) for test in failed)
        (same if alike else unknown).append(str(step.n))
    lines = []
    if same:
        where = f"line {worst.line}" if worst.line else f"{worst.function}()"
        lines.append(f"{_steps_fail(same)} at the same place ({where}): probably the same mistake.")
    if unknown:
        lines.append(f"{_steps_fail(unknown)} too: fix step {first.n} first, it may be the same mistake.")
    return lines


def _steps_fail(numbers: list[str]) -> str:
    return f"Step {numbers[0]} fails" if len(numbers) == 1 else f"Steps {', '.join(numbers)} fail"


def _at_one_place(one: TestResult, other: TestResult) -> bool:
    """Whether two tests fail at the same line, in the same function, or after a fault or race at the same line."""
    if one.line is not None and other.line is not None:
        return one.line == other.line
    noted = {row["line"] for row in one.trace if row["note"] and row["line"]}
    return (one.function is not None and one.function == other.function) or any(
        row["line"] in noted for row in other.trace if row["note"]
    )


def _what_next(report: ExerciseReport, steps: list[StepResult]) -> list[str]:
    slug, shown = report.place.slug, report.place.shown
    first = next((step for step in steps if step.outcome in (FAILED, NOT_STARTED)), None)
    if report.passed and (first is None or first.outcome == NOT_STARTED):
        rest = f" Step {first.n} is a stretch, if you want more: {first.title}." if first else ""
        return [f"passed: {slug}. Compare with solutions/{slug}/ and its gallery of wrong solutions.{rest}"]
    if first is None:
        return [f"{slug}: what ran here passed. The whole exercise: .venv/bin/pytest exercises/{slug}"]
    if all(step.outcome == NOT_STARTED for step in steps):
        return [
            "Nothing is written yet, so everything is red: the first run is meant to fail.",
            f"Read exercises/{slug}/README.md, then write step {first.n} in {shown}: {first.title}.",
            *_where_to_read(report, first),
        ]
    failed = next((step for step in steps if step.outcome == FAILED), None)
    if failed is None:
        return [f"next: step {first.n}, {first.title}, in {shown}", *_where_to_read(report, first)]
    extra = " (optional: the core steps pass)" if report.passed else ""
    todo = f"next: fix step {failed.n} in {slug}.py{extra}. Hints: README.md, step {failed.n}"
    return [todo, *_where_to_read(report, failed), *report.notes]


def _where_to_read(report: ExerciseReport, step: StepResult) -> list[str]:
    """Return the line that leads from a step to its lesson."""
    return [f"read: {heading}" for heading in where_to_read(report.place.folder / "README.md", step.n)[:1]]
