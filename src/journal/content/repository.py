"""Where the journal's files are: the only place that knows how its root folder is found."""

from __future__ import annotations

import os
from pathlib import Path


class NoRepositoryError(Exception):
    """No folder with `pyproject.toml` and `docs/` was found."""


def find_root(start: Path | None = None) -> Path:
    """Return the journal's root folder, absolute.

    `REDRIVE_ROOT` names it when set. Otherwise it is the nearest of `start` (the working folder by default) and the
    folders above it that hold both `pyproject.toml` and `docs/quizzes/`; failing that, the checkout this file is in.

    Raises:
        NoRepositoryError: none of these is a journal.
    """
    named = os.environ.get("REDRIVE_ROOT")
    if named:
        if not _is_root(Path(named)):
            raise NoRepositoryError(
                f"REDRIVE_ROOT is {named!r}, which holds no pyproject.toml and docs/; "
                "set it to the journal's folder, or unset it"
            )
        return Path(named).resolve()
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file() and (folder / "docs" / "quizzes").is_dir():
            return folder
    own = Path(__file__).resolve().parents[3]
    if _is_root(own):
        return own
    raise NoRepositoryError(f"{here} is not inside a journal; change to the journal's folder and try again")


def _is_root(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file() and (folder / "docs").is_dir()
