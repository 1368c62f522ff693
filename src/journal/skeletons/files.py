"""Write new files, all or none, and never over one that is there."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class AlreadyThereError(Exception):
    """Some of the files exist; none was written."""


def write_new(root: Path, files: Mapping[str, str]) -> None:
    """Write `files` (path below `root` to text).

    Raises:
        AlreadyThereError: naming every file that exists already.
        OSError: a file cannot be written; those written before it are removed again.
    """
    taken = [name for name in files if (root / name).exists()]
    if taken:
        raise AlreadyThereError(f"{', '.join(taken)} exists already and is left alone; nothing was written")
    written: list[Path] = []
    try:
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def words(title: str) -> str:
    """Return `title` as the lower-case words of a file name, joined by '-'; "" when it holds none."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")
