"""The drawings of a weekly review's record: which days were hit, and how confidence compared with what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.site.fences.charts import box, dot, label, path, svg

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Point:
    """A statement to draw: confidence 1 to 5, and how much came out right, of how much."""

    number: int
    topic: str
    said: int
    right: int
    outcomes: int


def days_strip(days: Sequence[tuple[date, bool]], *, name: str) -> Markup:
    """Return one box a day, filled and ticked where it was hit, empty and dashed where not; each with its date."""
    cell, gap = 44, 8
    shapes = []
    for index, (on, hit) in enumerate(days):
        left = index * (cell + gap) + 1
        middle = f"{left + cell / 2:g}"
        shapes.append(box("on" if hit else "off", left, cell))
        if hit:
            shapes.append(path("tick", f"M{left + 14} 24l6.5 6.5 11-13"))
        shapes += [label(middle, str(cell + 18), f"{on:%a}"), label(middle, str(cell + 33), f"{on.day} {on:%b}")]
    count = sum(hit for _on, hit in days)
    missed = ", ".join(on.isoformat() for on, hit in days if not hit)
    text = f"{count} of {len(days)} days had work in them. " + (f"None on {missed}." if missed else "No gap.")
    width = len(days) * (cell + gap) - gap + 2
    return svg(name, f"Days hit: {count} of {len(days)}", text, width, cell + 40, shapes)


def calibration(points: Sequence[Point], *, name: str) -> Markup:
    """Return the points with something to compare: stated confidence across, share that came out right upwards.

    Points that would cover each other stand beside each other; each carries its number in the table.
    """
    left, right, top, bottom = 60, 420, 16, 216

    def x(said: float) -> float:
        return left + (right - left) * (said - 0.5) / 5

    def y(share: float) -> float:
        return bottom - (bottom - top) * share

    shapes = []
    for share in (0, 0.5, 1):
        shapes += [
            path("grid", f"M{left} {y(share):g}H{right}"),
            label(str(left - 8), f"{y(share) + 4:g}", f"{share:.0%}", "end"),
        ]
    shapes += [label(f"{x(said):g}", str(bottom + 20), str(said)) for said in range(1, 6)]
    shapes += [
        path("mark", f"M{x(1):g} {y(0):g}L{x(5):g} {y(1):g}"),
        label(str(right), str(bottom + 38), "stated confidence, 1 to 5", "end"),
    ]
    taken: dict[tuple[int, int], int] = {}
    words = []
    for point in (point for point in points if point.outcomes):
        share = point.right / point.outcomes
        spot = (point.said, round(share * 8))
        beside = taken.get(spot, 0)
        taken[spot] = beside + 1
        at = x(point.said) + 20 * (-1) ** beside * ((beside + 1) // 2)
        shapes += [
            dot(f"{at:g}", f"{y(share):.1f}", 10),
            label(f"{at:g}", f"{y(share) + 4:.1f}", str(point.number), kind="number"),
        ]
        words.append(f"{point.topic}, said {point.said} of 5, {point.right} of {point.outcomes} right")
    text = (
        f"{'; '.join(words) or 'Nothing to compare yet'}. "
        "On the dashed line, those who say 5 are always right, and those who say 1 never."
    )
    return svg(name, "Confidence against outcome", text, 440, bottom + 46, shapes)
