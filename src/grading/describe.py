"""Write what a failed test says: the call, the answer, what was expected, the trace, and where in the learner's file.

Knows nothing of pytest's objects beyond an exception and its traceback; `plugin.py` feeds it.
"""

from __future__ import annotations

import ast
import asyncio
import functools
import linecache
import re
import types
from dataclasses import dataclass, field
from pathlib import Path

from grading import network
from grading.columns import MAX_LINES, fit, labelled
from grading.explain import find_explanation, passed_through
from grading.steps import is_test_file
from grading.stuck import Stuck
from grading.trace import MAX_ROWS, MIN_ROWS, Row, choose, rows_of, text_of


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


@dataclass
class Description:
    """What a failed test says, in the columns of a terminal, and the same trace as rows."""

    message: str
    line: int | None = None
    function: str | None = None
    rows: list[Row] = field(default_factory=list)


def describe(error: BaseException, place: Place, rule: str, *, seeded: bool = False) -> Description:
    """Describe one failed test: called, got, expected and how they differ, the trace, then the learner's own lines.

    Args:
        error: what ended the test.
        place: the exercise.
        rule: what the test checks, its docstring; shown where an exception or a hang came before the check.
        seeded: whether the report adds the seed, which takes two lines.
    """
    explained = find_explanation(str(error)) if isinstance(error, AssertionError) else None
    if isinstance(error, Stuck):
        lines, mine = _lines_of_stuck(error, place), []
        if error.where is not None:
            mine = [error.where]
    elif explained is not None:
        file = str(place.file)
        mine = [(path, line, _text_of(path, line)) for path, line, _ in _frames_or_told(error) if path == file]
        lines = explained.splitlines()
    else:
        lines, mine = _lines_of_crash(error, place)
    if explained is None:
        lines.append(f"rule      {rule}")
    at = [f"at        {shorten(path, place)}:{line}   {text}" for path, line, text in mine[-3:]]
    function = _function_at(place, mine[-1][1]) if mine else None
    if not at:
        called = next((line for line in lines if line.startswith("called")), "")
        function, line = _function_called(place, called)
        at = [f"in        {function}(), {place.shown}:{line}"] if function else []
    rows, trace = _trace(MAX_LINES - (2 if seeded else 0) - len(fit([*lines, *at])))
    if not mine and any(row.line for row in rows):
        at = []  # the trace names the function and the line
    costs = next((n for n, line in enumerate(lines) if line.startswith(("note  ", "costs "))), len(lines))
    return Description("\n".join([*lines[:costs], *trace, *lines[costs:], *at]), line_in(error, place), function, rows)


def _trace(room: int) -> tuple[list[Row], list[str]]:
    used = network.latest
    if used is None or not used.events:
        return [], []
    rows, before, after = choose(rows_of(used.events), max(MIN_ROWS, min(MAX_ROWS, room - 1)))
    return rows, labelled("trace", "\n".join(text_of(rows, before, after))).splitlines()


def _lines_of_crash(error: BaseException, place: Place) -> tuple[list[str], list[tuple[str, int, str]]]:
    frames, file = _frames(error), str(place.file)
    mine = [frame for frame in frames if frame[0] == file]
    leaves = [leaf for leaf in _leaves(error) if not isinstance(leaf, asyncio.CancelledError)] or [error]
    tests = [frame for frame in frames if is_test_file(frame[0]) and Path(frame[0]).parent == place.folder]
    lines = [f"called    {_text_of(tests[-1][0], tests[-1][1])}"] if tests else []
    lines.append(f"got       {'; '.join(_one_line(_named(leaf)) for leaf in leaves[:3])}")
    lines.append("expected  no exception")
    for leaf in leaves[:3]:
        inside = [frame for frame in _frames(leaf) if frame[0] == file]
        mine = [*mine[: 0 if inside else None], *inside]
    return lines, [(path, line, _text_of(path, line)) for path, line, _ in mine]


def _lines_of_stuck(stuck: Stuck, place: Place) -> list[str]:
    lines = []
    if stuck.called is not None or stuck.asked is not None:
        lines.append(f"called    {stuck.called or (stuck.asked or ('', 0, ''))[2]}")
    lines.append(f"got       {stuck.fact}")
    for cause in stuck.causes[:3]:
        line = line_in(cause, place)
        where = f" at {place.shown}:{line}" if line else ""
        lines.append(f"          before that, a task died of {_one_line(_named(cause))}{where}")
    lines.append("expected  it ends")
    return lines


@functools.lru_cache(maxsize=8)
def _definitions(path: str, _changed_at: float) -> tuple[tuple[str, int, int, bool], ...]:
    """List the functions and classes of a file: name, first and last line, whether it is a class."""
    try:
        tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return tuple(
        (node.name, node.lineno, node.end_lineno or node.lineno, isinstance(node, ast.ClassDef))
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    )


def _defined(place: Place) -> tuple[tuple[str, int, int, bool], ...]:
    try:
        return _definitions(str(place.file), place.file.stat().st_mtime)
    except OSError:
        return ()


def _function_at(place: Place, line: int) -> str | None:
    inside = [one for one in _defined(place) if one[1] <= line <= one[2] and not one[3]]
    return max(inside, key=lambda one: one[1])[0] if inside else None


def _function_called(place: Place, called: str) -> tuple[str | None, int]:
    """Find the function of the learner's file that a call names; of several the last, a class only without one.

    A method of a class that is named too goes before another function of that name.
    """
    names = re.findall(r"(\w+)\(", called)
    known = [one for name in reversed(names) for one in _defined(place) if one[0] == name]
    classes = [one for one in known if one[3]]
    methods = [one for one in known if not one[3] and any(kind[1] <= one[1] <= kind[2] for kind in classes)]
    plain = [one for one in known if not one[3]]
    best = next(iter([*methods, *plain, *classes]), None)
    return (best[0], best[1]) if best else (None, 0)


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
