"""Notebooks with their outputs: each is run from top to bottom before the site is built, and again when it changed.

The copies with outputs lie in `build/notebooks/`; those in the repository have none, so they merge and read well.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from journal.content.problems import ContentError, Problem

# What a notebook may import or read. The site's own code is left out: it cannot change an output.
_SUBJECTS = ("solutions/**/*.py", "docs/quizzes/*.yml", "requirements.txt")
_ENGINE = ("content/**/*.py", "review/**/*.py")
_PACKAGE = Path(__file__).resolve().parents[1]
_WIDGET = "application/vnd.jupyter.widget-view+json"
_TIME_LIMIT_S = 300


def executed(root: Path) -> list[Path]:
    """Return the copies with outputs, running those whose content, or whose imports, changed since the last time.

    Raises:
        ContentError: a cell failed; the problem names notebook and cell.
    """
    sources = sorted((root / "notebooks").glob("*.ipynb"))
    folder = root / "build" / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    if not sources:
        return []
    places = [*((root, pattern) for pattern in _SUBJECTS), *((_PACKAGE, pattern) for pattern in _ENGINE)]
    subjects = _digest(path for folder, pattern in places for path in sorted(folder.glob(pattern)))
    problems: list[Problem] = []
    copies: list[Path] = []
    for source in sources:
        copy, stamp = folder / source.name, folder / f"{source.stem}.sha256"
        wanted = hashlib.sha256(source.read_bytes() + subjects).hexdigest()
        if not (copy.is_file() and stamp.is_file() and stamp.read_text() == wanted):
            problem = _run(source, copy, root)
            if problem:
                problems.append(problem)
                continue
            stamp.write_text(wanted)
        copies.append(copy)
    if problems:
        raise ContentError(problems)
    return copies


def _digest(paths: Any) -> bytes:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.digest()


def _run(source: Path, copy: Path, root: Path) -> Problem | None:
    import nbformat  # noqa: PLC0415 (a second to import, and most builds run no notebook)
    from nbclient import NotebookClient  # noqa: PLC0415
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError  # noqa: PLC0415

    notebook = nbformat.read(source, as_version=4)
    with tempfile.TemporaryDirectory() as scratch:
        # A notebook that is run for the site must not write into the learner's history, nor show it to readers.
        own = {"REDRIVE_HISTORY": str(Path(scratch) / "history.jsonl"), "REDRIVE_ROOT": str(root), "REDRIVE_SITE": "1"}
        client = NotebookClient(
            notebook,
            timeout=_TIME_LIMIT_S,
            kernel_name="python3",
            resources={"metadata": {"path": str(source.parent)}},
        )
        name = source.relative_to(root).as_posix()
        try:
            # The kernel announces on stderr that it listens on loopback, in three lines a notebook.
            with client.setup_kernel(env={**os.environ, **own}, stderr=subprocess.DEVNULL):
                for index, cell in enumerate(notebook.cells):
                    try:
                        client.execute_cell(cell, index)
                    except CellExecutionError as error:
                        return Problem(name, 0, f"cell {index + 1} fails: {error.ename}: {error.evalue}")
                    except CellTimeoutError:
                        return Problem(name, 0, f"cell {index + 1} ran for more than {_TIME_LIMIT_S} s")
        except DeadKernelError as error:
            return Problem(name, 0, f"its kernel died: {error}")
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            # A widget needs a running kernel, and its viewer would come from another host. The text beside it stays.
            if isinstance(output.get("data"), dict):
                output["data"].pop(_WIDGET, None)
        cell.get("metadata", {}).pop("execution", None)
    notebook.metadata.pop("widgets", None)
    copy.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return None
