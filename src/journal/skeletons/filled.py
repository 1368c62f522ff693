"""Fill a skeleton."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent


class _Skeleton(Template):
    """A text in which `__name__` stands for a value."""

    # The first and the last two groups are those of a Template, and match nothing.
    pattern = r"__(?P<named>[a-z]+)__|(?P<escaped>(?!))|(?P<braced>(?!))|(?P<invalid>(?!))"  # type: ignore[assignment]  # it is compiled by the base class


def filled(skeleton: str, values: Mapping[str, object]) -> dict[str, str]:
    """Return the files of a skeleton by path below the journal's root.

    Args:
        skeleton: the name of a folder beside this file.
        values: what stands in place of `__name__`; in a notebook it is escaped as JSON wants it.
    """
    folder = FOLDER / skeleton
    inside = {name: json.dumps(str(value), ensure_ascii=False)[1:-1] for name, value in values.items()}
    found = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        name = _Skeleton(file.relative_to(folder).as_posix()).safe_substitute(values)
        text = _Skeleton(file.read_text(encoding="utf-8"))
        # Not `substitute`: `__future__` is Python's own.
        found[name] = text.safe_substitute(inside if file.suffix == ".ipynb" else values)
    return found
