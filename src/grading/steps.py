"""Where a step is read: the `Read:` line below its heading in the exercise's README. Works without the journal."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

_STEP = re.compile(r"^#{2,6}\s+(?:Step\s+|Stretch(?:\s+step)?\s+)?(\d+)\b", re.IGNORECASE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def where_to_read(readme: Path, step: int) -> list[str]:
    """Return the lesson headings that a step names, as paths from the repository's root; none without a README."""
    try:
        lines = readme.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    here = f"exercises/{readme.parent.name}"
    inside = False
    for line in lines:
        if heading := _STEP.match(line):
            inside = int(heading[1]) == step
        elif inside and line.startswith("Read: "):
            return [posixpath.normpath(posixpath.join(here, link)) for link in _LINK.findall(line)]
    return []
