"""What the site holds besides `docs/`, written before a build: pages of proofs, notebooks, scripts, the page's Python.

    build/additions/proofs/*.md          one page for each file of tests
    build/additions/notebooks/*.ipynb    with their outputs
    build/additions/assets/…             bundles, Pyodide, what exercises fetch

MkDocs gets the folder from a hook; for a builder without hooks `assembled` makes one folder of it and of `docs/`.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path

from journal.content.problems import ContentError
from journal.review.history.lock import exclusive
from journal.site.fences.place import ADDITIONS
from journal.site.node import NodeError
from journal.site.notebooks import executed
from journal.site.proof_pages import proof_pages
from journal.site.pyodide_bundle import runtime
from journal.site.web import BundleError, bundled
from journal.site.workshop import gradable, workshop

THEME = Path(__file__).resolve().parent / "theme"
"""Templates over Material's, and the styles, scripts and fonts that they name in `assets/`."""


def additions(root: Path, *, from_disk: bool = False) -> tuple[Path, list[str]]:
    """Write the additions of the journal `root`, and return their folder and what could not be made.

    Args:
        root: the journal's folder.
        from_disk: leave out Python for the page, which a page opened from disk may not run.
    """
    problems: list[str] = []
    files: dict[str, Path | str] = dict(proof_pages(root))
    try:
        copies = executed(root)
    except ContentError as error:
        problems += [str(problem) for problem in error.problems]
        copies = sorted((root / "build" / "notebooks").glob("*.ipynb"))
    files |= {f"notebooks/{copy.name}": copy for copy in copies}
    grades = not from_disk and gradable(root)
    for made in (bundled, runtime, workshop) if grades else (bundled,):
        try:
            folder = made(root)
        except (NodeError, BundleError) as error:
            # Cards read as folded answers without them, exercises as briefs.
            problems.append(f"the pages' scripts are missing: {error}")
            break
        found = (path for path in (folder / "assets").rglob("*") if path.is_file())
        files |= {path.relative_to(folder).as_posix(): path for path in found}
    folder = root / (ADDITIONS.with_name("additions-from-disk") if from_disk else ADDITIONS)
    folder.parent.mkdir(exist_ok=True)
    # `mkdocs serve` may rebuild while `make site` or a test builds.
    with exclusive(folder.with_name(f"{folder.name}.lock")):
        _write(folder, files)
    return folder, problems


def assembled(root: Path, folder: Path) -> list[str]:
    """Make `folder` hold `docs/`, the additions and our theme's assets; return what could not be made."""
    made, problems = additions(root)
    docs = root / "docs"
    files: dict[str, Path | str] = {}
    for source, pattern in ((THEME, "assets/**/*"), (docs, "**/*"), (made, "**/*")):
        found = (path for path in source.glob(pattern) if path.is_file() and not _left_out(path))
        files |= {path.relative_to(source).as_posix(): path for path in found}
    _write(folder, files)
    return problems


def _left_out(path: Path) -> bool:
    """Return whether a file of `docs/` is for keepers alone, as `exclude_docs` in mkdocs.yml says too."""
    return path.suffix == ".yml" or path.name == "README.md"


def _write(folder: Path, files: dict[str, Path | str]) -> None:
    """Make `folder` hold exactly `files`; a file that is there already keeps its time of change."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            if not (path.is_file() and path.read_text(encoding="utf-8") == content):
                path.write_text(content, encoding="utf-8")
        elif not (path.is_file() and filecmp.cmp(content, path)):
            path.unlink(missing_ok=True)
            try:
                os.link(content, path)
            except OSError:  # another file system, or one without links
                shutil.copy2(content, path)
