"""What an exercise's page fetches when the learner turns to the editor: the stub, the tests, and what comes after.

assets/workshop/runtime.json         where Pyodide is, and how large
assets/workshop/<slug>.json          the committed stub, and the files that grade it
assets/workshop/<slug>-after.json    the solution, the notes and the wrong solutions: fetched once it is passed
"""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

from journal.course.declared import Wrong, read_wrong
from journal.course.exercises import Exercise, find_exercises
from journal.site import pyodide_bundle

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "assets/workshop"


def workshop(root: Path) -> Path:
    """Return the folder that holds `assets/workshop/`, written anew when a file has changed.

    Raises:
        NodeError: Pyodide could not be had.
    """
    runtime = pyodide_bundle.manifest(pyodide_bundle.runtime(root))
    found = [one for one in find_exercises(root) if one.has("readme")]
    files: dict[str, Any] = {"runtime.json": {**runtime, "harness": _harness(root)}}
    for exercise in found:
        files[f"{exercise.slug}.json"] = _before(exercise)
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


def stubs(root: Path) -> dict[str, str]:
    """Return each exercise's stub as the course ships it; the learner's own file is never published."""
    return {exercise.slug: _stub(exercise) for exercise in find_exercises(root)}


def _stub(exercise: Exercise) -> str:
    # A folder without git holds what somebody unpacked; the page has nothing better than its file.
    return exercise.stub() or exercise.text("stub")


def _harness(root: Path) -> dict[str, str]:
    folder = root / "exercises"
    paths = [folder / "conftest.py", *sorted((folder / "harness").glob("*.py"))]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def _before(exercise: Exercise) -> dict[str, Any]:
    tests = exercise.path("tests")
    return {"slug": exercise.slug, "stub": _stub(exercise), "files": {tests: exercise.text("tests")}}


def _after(exercise: Exercise) -> dict[str, Any]:
    declared = (read_wrong(file, exercise.root) for file in exercise.files_in("wrong"))
    return {
        "slug": exercise.slug,
        "solution": exercise.text("solution"),
        "alternatives": {file.stem: file.read_text(encoding="utf-8") for file in exercise.files_in("alternatives")},
        "wrong": [
            {
                "name": one.file.stem,
                "mistake": one.mistake,
                "incident": one.incident,
                "fails": one.fails,
                "code": one.text,
            }
            for one in declared
            if isinstance(one, Wrong)
        ],
    }
