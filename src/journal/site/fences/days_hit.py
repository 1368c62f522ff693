"""The days-hit fence: a week's days as a strip of boxes, gaps included, and as a table.

Its body is written by `journal week fill`:

    days:
      2026-11-23: [14, 2, 1, 3]

which are cards reviewed, exercise runs, statements of confidence and commits (null where git knows nothing).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from journal.site.fences import week_charts
from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.templates import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place

HEAD = ("Day", "Work", "Cards reviewed", "Exercise runs", "Confidence stated", "Commits")


def render(options: Mapping[str, Any], _place: Place) -> str:
    """Return the strip and the table."""
    days = options.get("days")
    if not isinstance(days, dict) or not days:
        raise FenceError("it has no days; `journal week fill` writes them")
    rows = []
    hits = []
    for on, numbers in days.items():
        if not isinstance(on, date) or not isinstance(numbers, list) or len(numbers) != 4 or not _counts(numbers):
            raise FenceError(f"its day {on} is {numbers!r}; it is four counts, as `2026-11-23: [14, 2, 1, 3]`")
        hit = any(numbers[:3])
        hits.append((on, hit))
        counts = ("not known" if n is None else str(n) for n in numbers)
        rows.append([f"{on:%a} {on}", "yes" if hit else "none", *counts])
    hits.sort()
    return fill("days-hit.html", head=HEAD, rows=rows, strip=week_charts.days_strip(hits, name=f"days-{hits[0][0]}"))


def _counts(numbers: list[Any]) -> bool:
    whole = [type(number) is int and number >= 0 for number in numbers]
    return all(whole[:3]) and (whole[3] or numbers[3] is None)


fence = as_fence(render, "days")
