"""Charts as inline SVG, drawn at build time. Each has a title and a description that says in words what it shows.

Colours come from the page's style sheet (`.rd-chart__…`), so that one drawing serves light and dark. Numbers are
written as they are given: no chart rounds, and one point never becomes a trend.
"""

from __future__ import annotations

import html
import math

# FSRS-6: retrievability = (1 + FACTOR * t / stability) ** -DECAY. FACTOR follows from the definition of stability, the
# number of days after which retrievability is 0.9. DECAY is the default of the algorithm's last weight.
DECAY = 0.1542
FACTOR = 0.9 ** (-1 / DECAY) - 1


def svg(name: str, title: str, description: str, width: int, height: int, body: str) -> str:
    """Return a drawing of `width` by `height` units with its text alternatives.

    `name` makes its ids unique on the page.
    """
    return (
        f'<svg class="rd-chart" style="min-width:min({width}px,30rem)" viewBox="0 0 {width} {height}" role="img"'
        f' aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{html.escape(title)}</title>'
        f'<desc id="{name}-desc">{html.escape(description)}</desc>{body}</svg>'
    )


def figure(drawing: str, caption: str) -> str:
    """Return a drawing with a caption; `caption` is HTML."""
    return f'<figure class="rd-figure" tabindex="0">{drawing}<figcaption>{caption}</figcaption></figure>'


def days_hit(hit: int, total: int, *, name: str = "days-hit") -> str:
    """Return a strip of `total` days, `hit` of them filled.

    Which of the days were hit is not known, so none is named.
    """
    cell, gap = 34, 8

    def day(index: int) -> str:
        left = index * (cell + gap)
        kind, tick = ("on", _path("tick", f"M{left + 11} 18.5l5.5 5.5 9-11")) if index < hit else ("off", "")
        return f'<rect class="rd-chart__{kind}" x="{left + 1}" y="1" width="{cell}" height="{cell}" rx="5"/>{tick}'

    boxes = "".join(day(index) for index in range(total))
    width = total * (cell + gap) - gap + 2
    text = f"{hit} of {total} days had work in them."
    return svg(name, f"Days hit: {hit} of {total}", text, width, cell + 2, boxes)


def scale(
    value: float, shown: str, *, low: int = 1, high: int = 5, name: str = "confidence", what: str = "Confidence"
) -> str:
    """Return a line from `low` to `high` with a mark at `value`; `shown` is the value as it was written down."""
    left, right, y = 16, 284, 30

    def x(at: float) -> float:
        return left + (right - left) * (at - low) / (high - low)

    marks = range(low, high + 1)
    ticks = "".join(_path("axis", f"M{x(at):.1f} {y - 4}v8") + _label(x(at), y + 22, str(at)) for at in marks)
    body = (
        _path("axis", f"M{left} {y}H{right}")
        + ticks
        + _path("bar", f"M{left} {y}H{x(value):.1f}")
        + _dot(x(value), y, 7)
        + _label(x(value), y - 13, html.escape(shown), kind="value")
    )
    return svg(
        name,
        f"{what}: {shown} on a scale from {low} to {high}",
        f"{what} stands at {shown}, from {low}, low, to {high}, high.",
        300,
        58,
        body,
    )


def retrievability(days: float, stability_days: float) -> float:
    """Return the chance, 0 to 1, of recalling a card `days` after its last review (FSRS-6).

    Raises:
        ValueError: a negative time, or a stability that is not above 0.
    """
    if days < 0 or stability_days <= 0:
        raise ValueError(f"days must be at least 0 and stability_days above 0, got {days} and {stability_days}")
    return float((1 + FACTOR * days / stability_days) ** -DECAY)


def forgetting_curve(
    stability_days: float, horizon_days: int, *, due_day: float | None = None, name: str = "forgetting"
) -> str:
    """Return how the chance of recall falls over `horizon_days`, for a card of the given stability.

    Args:
        stability_days: days until the chance of recall is 90 %.
        horizon_days: how far the curve is drawn, at least 1.
        due_day: where to mark the day on which the card is asked again.
        name: makes the drawing's ids unique on the page.
    """
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, got {horizon_days}")
    left, right, top, bottom = 44, 470, 14, 150

    def x(day: float) -> float:
        return left + (right - left) * day / horizon_days

    def y(chance: float) -> float:
        return bottom - (bottom - top) * chance

    points = [horizon_days * i / 60 for i in range(61)]
    curve = "M" + "L".join(f"{x(day):.1f} {y(retrievability(day, stability_days)):.1f}" for day in points)
    grid = "".join(
        _path("grid", f"M{left} {y(chance):.1f}H{right}")
        + _label(left - 8, y(chance) + 4, f"{chance * 100:.0f} %", "end")
        for chance in (0, 0.5, 0.9, 1)
    )
    step = max(1, math.ceil(horizon_days / 6))
    days = "".join(_label(x(day), bottom + 18, str(day)) for day in range(0, horizon_days + 1, step))
    unit = _label(right, bottom + 34, "days since the last review", "end")
    marker = ""
    if due_day is not None and 0 <= due_day <= horizon_days:
        chance = retrievability(due_day, stability_days)
        marker = _path("mark", f"M{x(due_day):.1f} {top}V{bottom}") + _dot(x(due_day), y(chance), 5)
    end = retrievability(horizon_days, stability_days)
    description = (
        f"The chance of recall starts at 100 %, is 90 % after {stability_days:g} days, "
        f"and {end * 100:.0f} % after {horizon_days} days."
    )
    body = grid + days + unit + _path("line", curve) + marker
    return svg(name, "Forgetting curve", description, 480, 190, body)


def _path(kind: str, d: str) -> str:
    return f'<path class="rd-chart__{kind}" d="{d}"/>'


def _dot(x: float, y: float, radius: int) -> str:
    return f'<circle class="rd-chart__dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>'


def _label(x: float, y: float, text: str, anchor: str = "middle", *, kind: str = "label") -> str:
    return f'<text class="rd-chart__{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
