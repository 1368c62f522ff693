"""Turn the results of tests into what a learner reads: one line a step, and the first thing to look at.

Knows nothing of pytest's objects beyond an exception and its traceback; `plugin.py` feeds it.
"""

from __future__ import annotations

import asyncio
import json
import linecache
import os
import re
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grading.clock import Stuck
from grading.explain import find_explanation, passed_through
from grading.steps import is_test_file, steps_in, where_to_read

PASSED, FAILED, NOT_STARTED, LOCAL_ONLY, NOT_RUN = "passed", "failed", "not_started", "local_only", "not_run"
MARKS = {PASSED: "[ok]", FAILED: "[NO]", NOT_STARTED: "[..]", LOCAL_ONLY: "[--]", NOT_RUN: "[--]"}
MAX_PRINTED = 15
WORDS = {
    PASSED: "passed",
    FAILED: "failed",
    NOT_STARTED: "not started",
    LOCAL_ONLY: "run locally: it needs threads or processes",
    NOT_RUN: "not run this time",
}


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


@dataclass
class Place:
    """An exercise folder and its files."""

    slug: str
    folder: Path

    @property
    def file(self) -> Path:
        """The file that the learner edits."""
        return self.folder / f"{self.slug}.py"

    @property
    def shown(self) -> str:
        """The learner's file as it is shown, from the repository's root."""
        return f"exercises/{self.slug}/{self.slug}.py"


def shorten(path: str, place: Place) -> str:
    """Write a path as the learner knows it, from the repository's root."""
    try:
        return Path(path).resolve().relative_to(place.folder.parent.parent.resolve()).as_posix()
    except ValueError:
        return Path(path).name


def steps_of(place: Place) -> dict[int, StepResult]:
    """Return the steps that the exercise's tests name, none of which has run."""
    return {n: StepResult(n, step.title, step.stretch) for n, step in steps_in(place.folder).items()}


def _leaves(error: BaseException) -> list[BaseException]:
    """List the errors inside a group, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def unwritten_step(error: BaseException, place: Place) -> str | None:
    """Return the text of a stub's NotImplementedError that this error is, holds or was raised while handling."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, NotImplementedError):
            frames = _frames(one)
            if frames and frames[-1][0] == str(place.file):
                return str(one)
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(one.exceptions)
        if isinstance(one, Stuck):
            waiting.extend(one.causes)
        waiting.extend((one.__cause__, one.__context__))
    return None


def _frames(error: BaseException) -> list[tuple[str, int, str]]:
    found = []
    step: types.TracebackType | None = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        found.append((code.co_filename, step.tb_lineno, code.co_name))
        step = step.tb_next
    return found


def _text_of(path: str, line: int) -> str:
    return linecache.getline(path, line).strip()


def line_in(error: BaseException, place: Place) -> int | None:
    """Return the innermost line of the learner's file that the error passed through."""
    if isinstance(error, Stuck):
        return error.where[1] if error.where else None
    file = str(place.file)
    lines = [line for path, line, _ in _frames_or_told(error) if path == file]
    return lines[-1] if lines else None


def _frames_or_told(error: BaseException) -> list[tuple[str, int, str]]:
    """Return the frames of an error; of an assertion on an error that the test caught, those of that one as well."""
    told = passed_through(str(error)) if isinstance(error, AssertionError) else []
    return [*_frames(error), *told]


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _one_line(text: str) -> str:
    return " ".join(text.split())


def describe(error: BaseException, place: Place, expected: str, costs: str | None) -> str:
    """Write the message for one failed test: called, got, expected, costs, then the learner's own lines."""
    if isinstance(error, Stuck):
        return _describe_stuck(error, place, expected, costs)
    explained = find_explanation(str(error)) if isinstance(error, AssertionError) else None
    frames = _frames_or_told(error)
    file = str(place.file)
    mine = [frame for frame in frames if frame[0] == file]
    lines = [explained] if explained is not None else []
    if explained is None:
        leaves = [leaf for leaf in _leaves(error) if not isinstance(leaf, asyncio.CancelledError)] or [error]
        tests = [frame for frame in frames if is_test_file(frame[0]) and Path(frame[0]).parent == place.folder]
        if tests:
            lines.append(f"called    {_text_of(tests[-1][0], tests[-1][1])}")
        lines.append(f"got       {'; '.join(_one_line(_named(leaf)) for leaf in leaves[:3])}")
        lines.append(f"expected  {expected}")
        if costs:
            lines.append(f"costs     {costs}")
        for leaf in leaves[:3]:
            inside = [frame for frame in _frames(leaf) if frame[0] == file]
            mine = [*mine[: 0 if inside else None], *inside]
    lines.extend(f"at        {shorten(path, place)}:{line}   {_text_of(path, line)}" for path, line, _ in mine[-3:])
    return "\n".join(lines)


def _describe_stuck(stuck: Stuck, place: Place, expected: str, costs: str | None) -> str:
    lines = []
    if stuck.called is not None or stuck.asked is not None:
        lines.append(f"called    {stuck.called or (stuck.asked or ('', 0, ''))[2]}")
    lines.append(f"got       {stuck.fact}")
    for cause in stuck.causes[:3]:
        line = line_in(cause, place)
        where = f" at {place.shown}:{line}" if line else ""
        lines.append(f"          before that, a task died of {_one_line(_named(cause))}{where}")
    lines.append(f"expected  {expected}")
    if costs:
        lines.append(f"costs     {costs}")
    if stuck.where is not None:
        lines.append(f"at        {shorten(stuck.where[0], place)}:{stuck.where[1]}   {stuck.where[2]}")
    return "\n".join(lines)


def describe_import(error: BaseException, place: Place) -> tuple[str, int | None]:
    """Write why the learner's file could not be imported, with its line."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename) == place.file:
        text = (error.text or "").strip()
        return f"{place.shown}:{error.lineno} is not valid Python: {error.msg}\n          {text}", error.lineno
    line = line_in(error, place)
    if isinstance(error, Stuck):
        return f"importing {place.shown} did not end, it stood at line {line}: {error.fact}", line
    if line is not None:
        text = _text_of(str(place.file), line)
        return (
            f"{place.shown}:{line} raised {type(error).__name__} while it was imported: {error}\n          {text}",
            line,
        )
    if isinstance(error, ImportError) and error.name == f"exercises.{place.slug}.{place.slug}":
        missing = re.search(r"cannot import name '(\w+)'", str(error))
        name = f"`{missing[1]}`" if missing else "a name"
        told = f"{place.shown} has no {name}, which the tests call; was it deleted or renamed? "
        return told + f"`journal reset {place.slug}` brings the stub back and keeps a copy of your file.", None
    return f"{type(error).__name__}: {error}", None


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
        steps = sorted(self.steps.values(), key=lambda one: one.n)
        lines = [*self._first_failure(steps), ""]
        width = max((len(step.title) for step in steps), default=0) + 10
        for step in steps:
            name = f"step {step.n}  {step.title}" + ("  (stretch)" if step.stretch else "")
            word = "could not start" if self.broken else WORDS[step.outcome]
            mark = MARKS[FAILED if self.broken else step.outcome]
            failed = sum(test.outcome == FAILED for test in step.tests)
            count = (
                f" ({failed} of {len(step.tests)} tests)" if failed and len(step.tests) > 1 and not self.broken else ""
            )
            lines.append(f"  {mark} {name:<{width + 12}} {word}{count}")
        return [*lines, "", *self._what_next(steps)]

    def _first_failure(self, steps: list[StepResult]) -> list[str]:
        if self.broken:
            return [f"{self.place.slug}: no step could start", "", f"          {self.broken}"]
        for step in steps:
            for test in step.tests:
                if test.outcome == FAILED:
                    head = f"{self.place.slug}, step {step.n}, {step.title}: {test.id.rpartition('::')[2]}"
                    lines = [head, "", *("  " + line for line in test.message.splitlines())]
                    if test.seed is not None:
                        again = f"REDRIVE_SEED={test.seed} .venv/bin/pytest exercises/{self.place.slug}"
                        lines.append(f"  seed      {test.seed}; this schedule alone: {again}")
                    lines.extend(f"  printed   {line}" for line in test.printed.splitlines()[-MAX_PRINTED:])
                    return lines
        return []

    def _what_next(self, steps: list[StepResult]) -> list[str]:
        slug = self.place.slug
        if self.broken:
            return [f"Mend {self.place.shown}, then run it again."]
        first = next((step for step in steps if step.outcome in (FAILED, NOT_STARTED)), None)
        if self.passed and (first is None or first.outcome == NOT_STARTED):
            rest = f" Step {first.n} is a stretch, if you want more: {first.title}." if first else ""
            return [f"passed: {slug}. Compare with solutions/{slug}/ and its gallery of wrong solutions.{rest}"]
        if first is None:
            return [f"{slug}: what ran here passed. The whole exercise: .venv/bin/pytest exercises/{slug}"]
        if all(step.outcome == NOT_STARTED for step in steps):
            return [
                "Nothing is written yet, so everything is red: the first run is meant to fail.",
                f"Read exercises/{slug}/README.md, then write step {first.n} in {self.place.shown}: {first.title}.",
                *self._where_to_read(first),
            ]
        if first.outcome == NOT_STARTED:
            return [f"next: step {first.n}, {first.title}, in {self.place.shown}", *self._where_to_read(first)]
        hint = f"exercises/{slug}/README.md has hints for it under step {first.n}"
        extra = " (a stretch: the core is passed)" if self.passed else ""
        mend = f"next: mend step {first.n}, {first.title}, in {self.place.shown}{extra}; {hint}"
        return [mend, *self._where_to_read(first), *self.notes]

    def _where_to_read(self, step: StepResult) -> list[str]:
        """Return the lines that lead from a step to its lesson."""
        return [f"read: {heading}" for heading in where_to_read(self.place.folder / "README.md", step.n)]


def write_json(path: str, reports: list[ExerciseReport]) -> None:
    """Write one exercise's report as an object, several as `{"exercises": […]}`."""
    all_of_them = [report.as_json() for report in reports]
    data = all_of_them[0] if len(all_of_them) == 1 else {"exercises": all_of_them}
    Path(path).write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
