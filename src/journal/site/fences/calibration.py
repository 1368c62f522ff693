"""The calibration fence: confidence stated beforehand, and what happened, as points and as a table.

Its body is written by `journal week fill`:

    said:
      - {topic: backoff, stated: 2026-11-24, said: 4, right: 3, of: 6}
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from journal.site.fences import charts
from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.week_charts import Point
from journal.site.fences.week_charts import calibration as drawing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown

    from journal.site.fences.place import Place

HEAD = ("No.", "Topic", "Stated on", "Said", "Came out right", "Share")


def render(options: Mapping[str, Any], _place: Place, _md: Markdown | None = None) -> str:
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
        cells = [
            html.escape(point.topic),
            html.escape(str(one["stated"])),
            f"{point.said} of 5",
            f"{point.right} of {point.outcomes}",
            share,
        ]
        rows.append(f'<tr><th scope="row">{number}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f'<th scope="col">{cell}</th>' for cell in HEAD)
    table = (
        '<div class="rd-record" tabindex="0" role="group" aria-label="Confidence against outcome">'
        f'<table class="rd-grid"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )
    if not any(point.outcomes for point in points):
        return table
    first = str(said[0]["stated"])
    caption = "Each point is one statement. One point is no trend, and a share of few outcomes is mostly luck."
    figure = charts.figure(drawing(points, name=f"calibration-{html.escape(first)}"), caption)
    return f'<div class="rd-record__chart">{figure}</div>{table}'


def _holds(one: Mapping[str, Any]) -> bool:
    numbers = [one.get(key) for key in ("said", "right", "of")]
    if not one.get("topic") or not one.get("stated") or any(type(number) is not int for number in numbers):
        return False
    stated, right, of = (int(one[key]) for key in ("said", "right", "of"))
    return 1 <= stated <= 5 and 0 <= right <= of


fence = as_fence(render, "said")
