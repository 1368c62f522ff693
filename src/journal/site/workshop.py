"""What an exercise's page fetches when the learner turns to the editor: the stub, the tests, and what comes after.

assets/workshop/runtime.json         where Pyodide is, and how large
assets/workshop/<slug>.json          the committed stub, and the files that grade it
assets/workshop/<slug>-after.json    the solution, the notes and the wrong solutions: fetched once it is passed
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import re
import shutil
from functools import cache
from typing import TYPE_CHECKING, Any

from journal.course.declared import Wrong, read_wrong
from journal.course.exercises import Exercise, find_exercises, markers
from journal.site import pyodide_bundle
from journal.site.fences import markup
from journal.site.fences.place import Place

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "assets/workshop"
NOT_IN_THE_PAGE = {"examine.py", "overlay.py"}
"""What of the engine starts processes: a page has none."""

_TITLE = re.compile(r"\A\s*# .*\n")
_REGION = re.compile(r"^\s*# --8<-- \[(?:start|end):.*\n(?:\n(?=\n))?", re.MULTILINE)


def workshop(root: Path) -> Path:
    """Return the folder that holds `assets/workshop/`, written anew when a file has changed.

    Raises:
        NodeError: Pyodide could not be had.
    """
    folder = pyodide_bundle.runtime(root)
    found = [one for one in gradable(root) if one.has("readme")]
    runtime = {**pyodide_bundle.manifest(folder), "harness": _harness(root)}
    before = [_before(exercise) for exercise in found]
    compiled = pyodide_bundle.precompiled(root, folder, {"runtime": runtime, "exercises": before})
    own = {f"exercises/{exercise.slug}/" for exercise in found}
    shared = {path: content for path, content in compiled.items() if not path.startswith(tuple(own))}
    files: dict[str, Any] = {"runtime.json": {**runtime, "compiled": shared}}
    for exercise, one in zip(found, before, strict=True):
        mine = {path: content for path, content in compiled.items() if path.startswith(f"exercises/{exercise.slug}/")}
        files[f"{exercise.slug}.json"] = {**one, "compiled": mine}
        if exercise.has("solution"):
            files[f"{exercise.slug}-after.json"] = _after(exercise)
    texts = {name: json.dumps(value, ensure_ascii=False, separators=(",", ":")) for name, value in files.items()}
    wanted = hashlib.sha256("\0".join(f"{name}\0{text}" for name, text in texts.items()).encode()).hexdigest()
    target = root / "build" / "workshop"
    stamp = target / ".sha256"
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        shutil.rmtree(target, ignore_errors=True)
        (target / FOLDER).mkdir(parents=True)
        for name, text in texts.items():
            (target / FOLDER / name).write_text(text, encoding="utf-8")
        stamp.write_text(wanted, encoding="utf-8")
    return target


def gradable(root: Path) -> list[Exercise]:
    """Return the exercises that the page can grade: those with a stub and tests."""
    kinds = ("stub", "tests")
    return [each for each in find_exercises(root) if all((root / each.path(kind)).is_file() for kind in kinds)]


def stubs(root: Path) -> dict[str, str]:
    """Return each exercise's stub as the course ships it; the learner's own file is never published."""
    return {exercise.slug: _stub(exercise) for exercise in gradable(root)}


def _stub(exercise: Exercise) -> str:
    # A folder without git holds what somebody unpacked; the page has nothing better than its file.
    return exercise.stub() or exercise.text("stub")


def _harness(root: Path) -> dict[str, str]:
    paths = [root / "exercises" / "conftest.py", *sorted((root / "src" / "grading").glob("*.py"))]
    paths = [path for path in paths if path.name not in NOT_IN_THE_PAGE]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def _before(exercise: Exercise) -> dict[str, Any]:
    tests = exercise.path("tests")
    steps = {step.n: step for step in reversed(markers(exercise.text("tests")))}
    return {
        "slug": exercise.slug,
        "stub": _stub(exercise),
        "steps": [{"n": n, "title": step.title, "stretch": step.stretch} for n, step in sorted(steps.items())],
        "files": {tests: exercise.text("tests")},
    }


def _after(exercise: Exercise) -> dict[str, Any]:
    declared = (read_wrong(file, exercise.root) for file in exercise.files_in("wrong"))
    solution = exercise.text("solution")
    notes = exercise.text("notes") if exercise.has("notes") else ""
    place = Place(exercise.root, f"exercises/{exercise.slug}.md")
    return {
        "slug": exercise.slug,
        "solution": _REGION.sub("", solution),
        "notes": markup.render(
            _TITLE.sub("", notes, count=1), place, folder=f"solutions/{exercise.slug}", shift=1, prefix="notes-"
        ),
        "alternatives": [
            {"name": file.stem, "code": file.read_text(encoding="utf-8")} for file in exercise.files_in("alternatives")
        ],
        "wrong": [
            {
                "name": one.file.stem,
                "mistake": one.mistake,
                "incident": one.incident,
                "fails": one.fails,
                "code": one.text,
                "diff": difference(solution, one.text),
            }
            for one in declared
            if isinstance(one, Wrong)
        ],
    }


def difference(right: str, wrong: str) -> str:
    """Return how `wrong` differs from `right`, as lines with `-` and `+`; comments and docstrings are left aside."""
    lines = difflib.unified_diff(_bare(right).splitlines(), _bare(wrong).splitlines(), lineterm="", n=2)
    return "\n".join("…" if line.startswith("@@") else line for line in list(lines)[2:])


@cache
def _bare(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Expr(ast.Constant(...))]
    return ast.unparse(ast.fix_missing_locations(tree))
