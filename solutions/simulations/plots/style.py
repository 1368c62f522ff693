"""How every plot looks, and how it becomes SVG that takes its colours from the page around it."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, SOFT, RULE, PINE, RUST, PAPER = "#010101", "#020202", "#030303", "#040404", "#050505", "#fefefe"
"""Stand for the page's colours: a plot is drawn with these, and `svg` puts the page's variables in their place."""

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"

_VARIABLES = {
    INK: "var(--rd-ink, currentColor)",
    SOFT: "var(--rd-soft, currentColor)",
    RULE: "var(--rd-rule, silver)",
    PINE: "var(--rd-pine, teal)",
    RUST: "var(--rd-rust, brown)",
    PAPER: "var(--rd-paper, white)",
}

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be searched, selected and read out
    "svg.hashsalt": "redrive",  # the same plot gives the same bytes
    "font.size": 8.5,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
}


@contextmanager
def look() -> Iterator[None]:
    """Draw everything inside in this journal's look; plots made outside keep the reader's own settings."""
    with mpl.rc_context(_SETTINGS):
        yield


def plot(height: float = 2.4, rows: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure of 4.9 inches by `height`, wide enough for a phone's text to stay readable, and its axes.

    Args:
        height: in inches.
        rows: how many axes stand below each other.
        options: passed to `Figure.subplots`, such as `sharex=True`.
    """
    figure = Figure(figsize=(4.9, height), dpi=72, layout="constrained")
    axes = figure.subplots(rows, **options)
    return figure, [axes] if rows == 1 else list(axes)


def empty(height: float, x: tuple[float, float], y: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return a figure without axes to draw on, in the units of `x` and `y`; y grows upwards."""
    figure, (axes,) = plot(height)
    axes.set_xlim(*x)
    axes.set_ylim(*y)
    axes.axis("off")
    return figure, axes


def svg(figure: Figure, name: str) -> str:
    """Return `figure` as an SVG element for a page: the page's own colours and font, no size, no styles.

    Args:
        figure: drawn inside `look`.
        name: goes in front of every id, since a page may hold several pictures.
    """
    buffer = io.StringIO()
    with look():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    ET.register_namespace("", _SVG)
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - matplotlib wrote it
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}:
                parent.remove(child)
    for element in root.iter():
        _plain(element, name)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    text = ET.tostring(root, encoding="unicode").replace(f' xmlns="{_SVG}"', "").replace("<defs />", "")
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    return re.sub(r"\s*\n\s*", " ", text).strip()


def _plain(element: ET.Element, name: str) -> None:
    """Turn inline styles into attributes, which a strict content policy allows, and keep only the ids that are used."""
    for declaration in (element.attrib.pop("style", "")).split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key and key != "font-family":
            element.set(key, value.removesuffix("px") if key == "font-size" else value)
    if element.get("transform", "").startswith("rotate(-0"):
        del element.attrib["transform"]
    for key in ("d", "x", "y", "transform", "width", "height"):
        if (long := element.get(key)) is not None:
            element.set(key, re.sub(r"(\.\d)\d+", r"\1", re.sub(r"\s+", " ", long).strip()))
    if target := element.attrib.pop(f"{{{_XLINK}}}href", None):
        element.set("href", f"#{name}-{target.removeprefix('#')}")
    if clip := element.get("clip-path"):
        element.set("clip-path", clip.replace("url(#", f"url(#{name}-"))
    own = element.attrib.pop("id", "")
    if own and (element.tag.endswith(("}path", "}clipPath")) or own.startswith("series-")):
        element.set("id", f"{name}-{own}")


def path_data(axes: Axes, xs: Sequence[float], ys: Sequence[float]) -> str:
    """Return the SVG path of a line through these points, in the coordinates of `svg`, to a tenth of a point.

    Args:
        axes: where the line would stand; its figure has been laid out, and its limits don't change afterwards.
        xs: in the axes' units.
        ys: likewise.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    height = figure.get_figheight() * 72
    points = [
        (f"{x:.1f}".removesuffix(".0"), f"{height - y:.1f}".removesuffix(".0"))
        for x, y in axes.transData.transform(list(zip(xs, ys, strict=True)))
    ]
    words, (at_x, at_y) = ["M{} {}".format(*points[0])], points[0]
    for x, y in points[1:]:
        if x == at_x and y == at_y:
            continue
        words.append(f"V{y}" if x == at_x else f"H{x}" if y == at_y else f"L{x} {y}")
        at_x, at_y = x, y
    return "".join(words)
