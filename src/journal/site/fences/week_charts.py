"""The drawings of a weekly review's record: which days were hit, and how confidence compared with what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.site.fences.charts import svg

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


@dataclass(frozen=True, slots=True)
class Point:
    """A statement to draw: confidence 1 to 5, and how much came out right, of how much."""

    number: int
    topic: str
    said: int
    right: int
    outcomes: int


def days_strip(days: Sequence[tuple[date, bool]], *, name: str) -> str:
    """Return one box a day, filled and ticked where it was hit, empty and dashed where not; each with its date."""
    cell, gap = 44, 8
    body = ""
    for index, (on, hit) in enumerate(days):
        left = index * (cell + gap) + 1
        middle = left + cell / 2
        body += (
            f'<rect class="rd-chart__{"on" if hit else "off"}" x="{left}" y="1" width="{cell}" height="{cell}" rx="5"/>'
        )
        if hit:
            body += f'<path class="rd-chart__tick" d="M{left + 14} 24l6.5 6.5 11-13"/>'
        for line, text in ((cell + 18, f"{on:%a}"), (cell + 33, f"{on.day} {on:%b}")):
            body += f'<text class="rd-chart__label" x="{middle:g}" y="{line}" text-anchor="middle">{text}</text>'
    count = sum(hit for _on, hit in days)
    missed = ", ".join(on.isoformat() for on, hit in days if not hit)
    text = f"{count} of {len(days)} days had work in them. " + (f"None on {missed}." if missed else "No gap.")
    width = len(days) * (cell + gap) - gap + 2
    return svg(name, f"Days hit: {count} of {len(days)}", text, width, cell + 40, body)


def calibration(points: Sequence[Point], *, name: str) -> str:
    """Return the points with something to compare: stated confidence across, share that came out right upwards.

    Points that would cover each other stand beside each other; each carries its number in the table.
    """
    left, right, top, bottom = 60, 420, 16, 216

    def x(said: float) -> float:
        return left + (right - left) * (said - 0.5) / 5

    def y(share: float) -> float:
        return bottom - (bottom - top) * share

    body = "".join(
        f'<path class="rd-chart__grid" d="M{left} {y(share):g}H{right}"/>'
        f'<text class="rd-chart__label" x="{left - 8}" y="{y(share) + 4:g}" text-anchor="end">{share:.0%}</text>'
        for share in (0, 0.5, 1)
    )
    body += "".join(
        f'<text class="rd-chart__label" x="{x(said):g}" y="{bottom + 20}" text-anchor="middle">{said}</text>'
        for said in range(1, 6)
    )
    body += (
        f'<path class="rd-chart__mark" d="M{x(1):g} {y(0):g}L{x(5):g} {y(1):g}"/>'
        f'<text class="rd-chart__label" x="{right}" y="{bottom + 38}" text-anchor="end">'
        "stated confidence, 1 to 5</text>"
    )
    shown = [point for point in points if point.outcomes]
    taken: dict[tuple[int, int], int] = {}
    words = []
    for point in shown:
        share = point.right / point.outcomes
        spot = (point.said, round(share * 8))
        beside = taken.get(spot, 0)
        taken[spot] = beside + 1
        at = x(point.said) + 20 * (-1) ** beside * ((beside + 1) // 2)
        body += (
            f'<circle class="rd-chart__dot" cx="{at:g}" cy="{y(share):.1f}" r="10"/>'
            f'<text class="rd-chart__number" x="{at:g}" y="{y(share) + 4:.1f}" text-anchor="middle">'
            f"{point.number}</text>"
        )
        words.append(f"{point.topic}, said {point.said} of 5, {point.right} of {point.outcomes} right")
    text = (
        f"{'; '.join(words) or 'Nothing to compare yet'}. "
        "On the dashed line, those who say 5 are always right, and those who say 1 never."
    )
    return svg(name, "Confidence against outcome", text, 440, bottom + 46, body)
