"""Check an exercise without running it: its files, steps, hints, imports and messages."""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING

from grading.steps import step_headings, step_of
from journal.content.problems import Problem
from journal.course.declared import Wrong, read_wrong
from journal.course.exercises import Exercise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_CORE_STEPS = 5
HINTS_PER_STEP = 3
LIBRARIES = {"redis"}
OF_THE_TESTED = {"notebook", "deck"}
"""What an exercise of tests shares with the exercise that its tests are about, and has not of its own."""
PARTS = {
    "stub": "write the stub that the learner edits",
    "readme": "write the steps and their hints",
    "solution": "write the solution",
    "notes": "write what the solution chose, and why",
    "page": "write the page with its `exercise` fence",
    "notebook": "make the lab (`journal new exercise` shows the form)",
    "deck": "write the cards",
}
_DETAILS = re.compile(r"<details>(.*?)</details>", re.DOTALL)
_SUMMARY = re.compile(r"<summary>.*?</summary>", re.DOTALL)
_STEP_TEXT = re.compile(r"step (\d+): \S")


def check_texts(exercise: Exercise) -> list[Problem]:
    """Return everything that is wrong with an exercise's files as they stand."""
    problems = [
        Problem(exercise.path(part), 0, f"is missing, and {exercise.slug} needs it; {remedy}")
        for part, remedy in PARTS.items()
        if not exercise.has(part) and not (exercise.graded_against and part in OF_THE_TESTED)
    ]
    if not exercise.files_in("alternatives"):
        path = exercise.path("alternatives")
        problems.append(Problem(path, 0, "holds no second solution; add one that is built differently"))
    unreadable = list(_not_python(exercise))
    if unreadable:
        return [*problems, *unreadable]
    problems += _tests(exercise)
    if exercise.has("readme"):
        problems += _steps(exercise)
        problems += _hints(exercise)
    problems += _stub(exercise)
    problems += _imports(exercise)
    problems += _declarations(exercise)
    return problems


def _graded_files(exercise: Exercise) -> list[tuple[str, str]]:
    """Return path and text of everything that is graded."""
    stub = exercise.stub()
    files = [exercise.root / exercise.path("solution"), *exercise.files_in("alternatives"), *exercise.files_in("wrong")]
    return [
        *([] if stub is None else [(exercise.path("stub"), stub)]),
        *(
            (file.relative_to(exercise.root).as_posix(), file.read_text(encoding="utf-8"))
            for file in files
            if file.exists()
        ),
    ]


def _not_python(exercise: Exercise) -> Iterator[Problem]:
    tests = [(file.relative_to(exercise.root).as_posix(), file.read_text(encoding="utf-8")) for file in exercise.tests]
    for path, text in [*_graded_files(exercise), *tests]:
        try:
            ast.parse(text)
        except SyntaxError as error:
            yield Problem(path, error.lineno or 0, f"is not valid Python: {error.msg}")


def _declarations(exercise: Exercise) -> Iterator[Problem]:
    known = exercise.steps
    for file in exercise.files_in("wrong"):
        declared = read_wrong(file, exercise.root)
        if not isinstance(declared, Wrong):
            yield from declared
        elif not known.keys() >= set(declared.fails):
            strange = ", ".join(str(n) for n in sorted(set(declared.fails) - known.keys()))
            steps = ", ".join(str(n) for n in sorted(known))
            yield Problem(declared.path, 1, f"declares to fail step {strange}; the steps are {steps}")


def _tests(exercise: Exercise) -> Iterator[Problem]:
    titles: dict[int, str] = {}
    for file in sorted((exercise.root / exercise.path("tests")).glob("test_*.py")):
        path = file.relative_to(exercise.root).as_posix()
        if file not in exercise.tests:
            yield Problem(path, 0, "is the tests of no step; call it test_<step>_<title>.py")
            continue
        step, number = step_of(file), int(file.name.split("_")[1])
        if step is None:
            yield Problem(path, 0, f'grades no step; write pytestmark = pytest.mark.step({number}, "title")')
            continue
        if step.n != number:
            yield Problem(path, step.line, f"grades step {step.n}, and its name says {number}; make them the same")
        known = titles.setdefault(step.n, step.title)
        if known != step.title:
            yield Problem(path, step.line, f"calls step {step.n} {step.title!r}, and before {known!r}; use one title")
    for file in exercise.tests:
        yield from _messages(file, file.relative_to(exercise.root).as_posix())


def _messages(file: Path, path: str) -> Iterator[Problem]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
            if not ast.get_docstring(node):
                yield Problem(
                    path,
                    node.lineno,
                    f"{node.name} has no docstring, which is shown as what was expected when the code raises; add one",
                )
        elif isinstance(node, ast.Assert) and node.msg is None:
            yield Problem(
                path, node.lineno, "this assertion says nothing when it fails; give it explain(called=…, got=…, …)"
            )


def _steps(exercise: Exercise) -> Iterator[Problem]:
    readme = exercise.path("readme")
    described = {step.n: step for step in step_headings(exercise.text("readme"))}
    graded = exercise.steps
    for n in sorted(described.keys() - graded.keys()):
        yield Problem(readme, described[n].line, f"describes step {n}, which no test grades; mark a test step({n}, …)")
    for n in sorted(graded.keys() - described.keys()):
        path = graded[n].file.relative_to(exercise.root).as_posix()
        yield Problem(
            path, graded[n].line, f"grades step {n}, which the README does not describe; add `## {n}. …` to {readme}"
        )
    for n in sorted(graded.keys() & described.keys()):
        if described[n].stretch != graded[n].stretch:
            yield Problem(
                readme,
                described[n].line,
                f"step {n} is a stretch in one place only; write `## Stretch {n}. …` and step({n}, …, stretch=True)",
            )
    core = [n for n, step in graded.items() if not step.stretch]
    if len(core) > MAX_CORE_STEPS:
        yield Problem(
            exercise.path("tests"),
            0,
            f"has {len(core)} core steps and a sitting is at most {MAX_CORE_STEPS}; make the rest stretch",
        )


def _hints(exercise: Exercise) -> Iterator[Problem]:
    path, lines = exercise.path("readme"), exercise.text("readme").splitlines()
    steps = step_headings(exercise.text("readme"))
    fenced, starts = False, []
    for number, line in enumerate(lines, 1):
        fenced ^= line.lstrip().startswith("```")
        if not fenced and line.startswith("## "):
            starts.append(number)
    for step in steps:
        end = next((start for start in starts if start > step.line), len(lines) + 1)
        hints = _DETAILS.findall("\n".join(lines[step.line : end - 1]))
        if len(hints) != HINTS_PER_STEP:
            yield Problem(
                path, step.line, f"step {step.n} has {len(hints)} folded hints; give it {HINTS_PER_STEP} <details>"
            )
        for number, hint in enumerate(hints, 1):
            if not _SUMMARY.sub("", hint).strip():
                yield Problem(path, step.line, f"hint {number} of step {step.n} is empty; write it or remove it")


def _stub(exercise: Exercise) -> Iterator[Problem]:
    text = exercise.stub()
    if text is None:
        return
    path = exercise.path("stub")
    known = exercise.steps
    tree = ast.parse(text)
    if not ast.get_docstring(tree):
        yield Problem(path, 1, "has no docstring, and it is the specification; write one")
    promised = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in ast.unparse(node.exc):
            raised = ast.unparse(node.exc)
            match = _STEP_TEXT.search(raised)
            if match is None or int(match[1]) not in known:
                yield Problem(
                    path,
                    node.lineno,
                    f'{raised} names no step of the tests; write NotImplementedError("step n: title")',
                )
            else:
                promised.add(int(match[1]))


def _imports(exercise: Exercise) -> Iterator[Problem]:
    tested = exercise.graded_against
    allowed = {f"exercises.{tested}.{tested}", "pytest"} if tested else set()
    for path, text in _graded_files(exercise):
        for node in ast.walk(ast.parse(text)):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "."] if node.level == 0 else ["."]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in LIBRARIES and name not in allowed:
                    yield Problem(
                        path,
                        getattr(node, "lineno", 0),
                        f"imports {name}; an exercise uses the standard library and redis, so that it runs anywhere",
                    )
