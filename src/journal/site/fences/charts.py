"""Charts as inline SVG, drawn at build time. Each has a title and a description that says in words what it shows.

Colours come from the page's style sheet (`.rd-chart__…`), so that one drawing serves light and dark. Numbers are
written as they are given: no chart rounds, and one point never becomes a trend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.site.fences.templates import fill

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markupsafe import Markup

# A shape of `templates/svg.html`: what it draws follows from the keys it has.
Shape = dict[str, Any]


def svg(name: str, title: str, description: str, width: int, height: int, shapes: Iterable[Shape]) -> Markup:
    """Return a drawing of `width` by `height` units with its text alternatives.

    `name` makes its ids unique on the page.
    """
    words = {"name": name, "title": title, "description": description}
    return fill("svg.html", **words, width=width, height=height, shapes=list(shapes))


def days_hit(hit: int, total: int, *, name: str = "days-hit") -> Markup:
    """Return a strip of `total` days, `hit` of them filled.

    Which of the days were hit is not known, so none is named.
    """
    cell, gap = 34, 8
    shapes: list[Shape] = []
    for index in range(total):
        left = index * (cell + gap)
        shapes.append(box("on" if index < hit else "off", left + 1, cell))
        if index < hit:
            shapes.append(path("tick", f"M{left + 11} 18.5l5.5 5.5 9-11"))
    width = total * (cell + gap) - gap + 2
    text = f"{hit} of {total} days had work in them."
    return svg(name, f"Days hit: {hit} of {total}", text, width, cell + 2, shapes)


def scale(
    value: float, shown: str, *, low: int = 1, high: int = 5, name: str = "confidence", what: str = "Confidence"
) -> Markup:
    """Return a line from `low` to `high` with a mark at `value`; `shown` is the value as it was written down."""
    left, right, y = 16, 284, 30

    def x(at: float) -> float:
        return left + (right - left) * (at - low) / (high - low)

    shapes = [path("axis", f"M{left} {y}H{right}")]
    for at in range(low, high + 1):
        shapes += [path("axis", f"M{x(at):.1f} {y - 4}v8"), label(f"{x(at):.1f}", f"{y + 22:.1f}", str(at))]
    shapes += [
        path("bar", f"M{left} {y}H{x(value):.1f}"),
        dot(f"{x(value):.1f}", f"{y:.1f}", 7),
        label(f"{x(value):.1f}", f"{y - 13:.1f}", shown, kind="value"),
    ]
    return svg(
        name,
        f"{what}: {shown} on a scale from {low} to {high}",
        f"{what} stands at {shown}, from {low}, low, to {high}, high.",
        300,
        58,
        shapes,
    )


def box(kind: str, left: float, side: float) -> Shape:
    """Return a square at the top of the drawing."""
    return {"kind": kind, "x": left, "y": 1, "side": side}


def path(kind: str, d: str) -> Shape:
    """Return a path."""
    return {"kind": kind, "d": d}


def dot(x: str, y: str, radius: int, *, kind: str = "dot") -> Shape:
    """Return a filled circle."""
    return {"kind": kind, "x": x, "y": y, "r": radius}


def label(x: str, y: str, text: str, anchor: str = "middle", *, kind: str = "label") -> Shape:
    """Return a word; `anchor` says which end of it is at `x`."""
    return {"kind": kind, "x": x, "y": y, "text": text, "anchor": anchor}
