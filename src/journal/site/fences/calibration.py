"""The calibration fence: confidence stated beforehand, and what happened, as points and as a table.

Its body is written by `journal week fill`:

    said:
      - {topic: backoff, stated: 2026-11-24, said: 4, right: 3, of: 6}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.site.fences import week_charts as charts
from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.templates import fill
from journal.site.fences.week_charts import Point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place

HEAD = ("No.", "Topic", "Stated on", "Said", "Came out right", "Share")


def render(options: Mapping[str, Any], _place: Place) -> str:
    """Return the points and the table; a statement that nothing followed is in the table alone."""
    said = options.get("said")
    if not isinstance(said, list) or not said:
        raise FenceError("it has no statements; `journal week fill` writes them")
    points = []
    rows = []
    for number, one in enumerate(said, 1):
        if not isinstance(one, dict) or not _holds(one):
            raise FenceError(
                f"its statement {number} is {one!r}; it is as "
                "`{topic: backoff, stated: 2026-11-24, said: 4, right: 3, of: 6}`"
            )
        point = Point(number, str(one["topic"]), one["said"], one["right"], one["of"])
        points.append(point)
        share = f"{point.right / point.outcomes:.0%}" if point.outcomes else "nothing asked yet"
        came = f"{point.right} of {point.outcomes}"
        rows.append([str(number), point.topic, str(one["stated"]), f"{point.said} of 5", came, share])
    shown = any(point.outcomes for point in points)
    drawing = charts.calibration(points, name=f"calibration-{said[0]['stated']}") if shown else ""
    return fill("calibration.html", head=HEAD, rows=rows, drawing=drawing)


def _holds(one: Mapping[str, Any]) -> bool:
    numbers = [one.get(key) for key in ("said", "right", "of")]
    if not one.get("topic") or not one.get("stated") or any(type(number) is not int for number in numbers):
        return False
    stated, right, of = (int(one[key]) for key in ("said", "right", "of"))
    return 1 <= stated <= 5 and 0 <= right <= of


fence = as_fence(render, "said")
