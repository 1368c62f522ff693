"""What an exercise's page fetches when the learner turns to the editor: the stub, the tests, and what comes after.

assets/workshop/runtime.json         where Pyodide is, and how large
assets/workshop/<slug>.json          the committed stub, and the files that grade it
assets/workshop/<slug>-after.json    the solution, the notes and the wrong solutions: fetched once it is passed
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from grading.overlay import engine_files
from journal.content.settings import read_course
from journal.course.declared import Wrong, read_wrong
from journal.course.exercises import Exercise, find_exercises
from journal.site import pyodide_bundle
from journal.site.fences import markup
from journal.site.fences.place import Place

FOLDER = "assets/workshop"
NOT_IN_THE_PAGE = {"fork_server.py", "grader.py", "overlay.py", "runner.py"}
"""What of the engine no test of an exercise imports."""

# The learner's own file is not among them: a page offers the committed stub.
_SOURCES = (
    "exercises/conftest.py",
    "exercises/*/test_*.py",
    "exercises/*/given.py",
    "exercises/*/course.toml",
    "exercises/*/README.md",
    "solutions/*/*.py",
    "solutions/*/NOTES.md",
    "solutions/*/alternatives/*.py",
    "solutions/*/wrong/*.py",
)
_ENGINE = ("course/*.py", "site/*.py", "site/fences/*.py", "web/workshop/*.*js")
_PACKAGE = Path(__file__).resolve().parents[1]

_TITLE = re.compile(r"\A\s*# .*\n")
_REGION = re.compile(r"^\s*# --8<-- \[(?:start|end):.*\n(?:\n(?=\n))?", re.MULTILINE)


def workshop(root: Path) -> Path:
    """Return the folder that holds `assets/workshop/`, written again when a file has changed.

    Raises:
        NodeError: Pyodide could not be had.
    """
    folder = pyodide_bundle.runtime(root)
    found = [one for one in gradable(root) if one.has("readme")]
    wanted = _fingerprint(root, folder, found)
    target = root / "build" / "workshop"
    stamp = target / ".sha256"
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        files = _files(root, folder, found)
        shutil.rmtree(target, ignore_errors=True)
        (target / FOLDER).mkdir(parents=True)
        for name, value in files.items():
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            (target / FOLDER / name).write_text(text, encoding="utf-8")
        stamp.write_text(wanted, encoding="utf-8")
    return target


def _fingerprint(root: Path, folder: Path, found: list[Exercise]) -> str:
    """Return a hash of all that the files are made from: to splice every wrong solution again takes seconds."""
    digest = hashlib.sha256(folder.name.encode())
    for place, patterns in ((root, _SOURCES), (_PACKAGE, _ENGINE)):
        for path in sorted(path for pattern in patterns for path in place.glob(pattern)):
            digest.update(f"{path.relative_to(place).as_posix()}\0".encode() + path.read_bytes())
    for name, path in engine_files(root):
        digest.update(f"{name}\0".encode() + path.read_bytes())
    for exercise in found:
        digest.update(f"{exercise.slug}\0{_stub(exercise)}\0".encode())
    # Notes link pages, and a link to a page that is not there is left out.
    digest.update("\n".join(sorted(str(path) for path in (root / "docs").rglob("*.md"))).encode())
    return digest.hexdigest()


def _files(root: Path, folder: Path, found: list[Exercise]) -> dict[str, Any]:
    runtime = {**pyodide_bundle.manifest(folder), "engine": _engine(root)}
    before = [_before(exercise) for exercise in found]
    compiled = pyodide_bundle.precompiled(folder, {"runtime": runtime, "exercises": before})
    own = {f"exercises/{exercise.slug}/" for exercise in found}
    shared = {path: content for path, content in compiled.items() if not path.startswith(tuple(own))}
    files: dict[str, Any] = {"runtime.json": {**runtime, "compiled": shared}}
    for exercise, one in zip(found, before, strict=True):
        mine = {path: content for path, content in compiled.items() if path.startswith(f"exercises/{exercise.slug}/")}
        files[f"{exercise.slug}.json"] = {**one, "compiled": mine}
        if exercise.has("solution"):
            files[f"{exercise.slug}-after.json"] = _after(exercise)
    return files


def gradable(root: Path) -> list[Exercise]:
    """Return the exercises that the page can grade: those with a stub and tests."""
    return [each for each in find_exercises(root) if each.has("stub")]


def stubs(root: Path) -> dict[str, str]:
    """Return each exercise's stub as the course ships it; the learner's own file is never published."""
    return {exercise.slug: _stub(exercise) for exercise in gradable(root)}


def _stub(exercise: Exercise) -> str:
    # A folder without git holds what somebody unpacked; the page has nothing better than its file.
    return exercise.stub() or exercise.text("stub")


def _engine(root: Path) -> dict[str, str]:
    conftest = "exercises/conftest.py"
    found = {
        path: file.read_text(encoding="utf-8") for path, file in engine_files(root) if file.name not in NOT_IN_THE_PAGE
    }
    return {conftest: (root / conftest).read_text(encoding="utf-8"), **found}


def _before(exercise: Exercise) -> dict[str, Any]:
    course, _ = read_course(exercise.root, exercise.slug)
    return {
        "slug": exercise.slug,
        "version": course.version,
        "what": course.changes[-1].what if course.changes else "",
        "stub": _stub(exercise),
        "steps": [{"n": n, "title": step.title, "stretch": step.stretch} for n, step in exercise.steps.items()],
        "files": {
            file.relative_to(exercise.root).as_posix(): file.read_text(encoding="utf-8") for file in exercise.tests
        },
    }


def _after(exercise: Exercise) -> dict[str, Any]:
    declared = (read_wrong(file, exercise.root) for file in exercise.files_in("wrong"))
    solution = _REGION.sub("", exercise.text("solution"))
    notes = exercise.text("notes") if exercise.has("notes") else ""
    place = Place(exercise.root, f"exercises/{exercise.slug}.md")
    return {
        "slug": exercise.slug,
        "solution": solution,
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
                "edits": edits(solution, _REGION.sub("", one.text)),
            }
            for one in declared
            if isinstance(one, Wrong)
        ],
    }


def edits(right: str, wrong: str) -> list[tuple[int, int, list[str]]]:
    """Return what turns `right` into `wrong`: the first line, from 0, how many lines go, and those that come."""
    old, new = right.split("\n"), wrong.split("\n")
    changes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(first, end - first, new[start:stop]) for kind, first, end, start, stop in changes if kind != "equal"]
