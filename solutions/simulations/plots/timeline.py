"""Who does what when: rows with bars, moments and arrows, for pictures in which only the order counts."""

from dataclasses import dataclass, field
from typing import Self

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from solutions.simulations.plots.style import INK, PINE, RULE, RUST, SOFT, empty

ROW = 1.0
COLOURS = {"good": PINE, "bad": RUST, "quiet": SOFT}


@dataclass
class Timeline:
    """Rows from top to bottom, time from left to right; every method draws and returns the timeline."""

    rows: tuple[str, ...]
    to: float
    height: float = 2.2
    left: float = 0.0
    figure: Figure = field(init=False)
    axes: Axes = field(init=False)

    def __post_init__(self) -> None:
        """Draw the rows' names and their lines."""
        margin = self.to * 0.27 if self.left == 0 else self.left
        self.figure, self.axes = empty(self.height, (-margin, self.to * 1.02), (-len(self.rows) * ROW + 0.1, 0.75))
        for row, name in enumerate(self.rows):
            self.axes.plot((0, self.to), (-row, -row), color=RULE, linewidth=0.8)
            self.axes.text(-margin, -row, name, va="center")

    def bar(self, row: int, start: float, end: float, text: str = "", kind: str = "good") -> Self:
        """Draw something that lasts."""
        colour = COLOURS[kind]
        self.axes.fill_between((start, end), -row - 0.18, -row + 0.18, facecolor=colour, alpha=0.25, edgecolor=colour)
        if text:
            self.axes.text((start + end) / 2, -row, text, ha="center", va="center", fontsize=7.5)
        return self

    def moment(self, row: int, at: float, text: str, kind: str = "quiet", *, below: bool = False) -> Self:
        """Draw something that happens at one instant, with its words above or below the row."""
        self.axes.plot([at], [-row], marker="o", markersize=4, color=COLOURS[kind], linestyle="")
        return self._say(at, row, text, below=below)

    def cross(self, row: int, at: float, text: str, *, below: bool = False) -> Self:
        """Draw where something breaks off."""
        self.axes.plot([at], [-row], marker="x", markersize=7, markeredgewidth=1.8, color=RUST, linestyle="")
        return self._say(at, row, text, below=below, color=RUST)

    def _say(self, at: float, row: int, text: str, *, below: bool, color: str = INK) -> Self:
        y, va = (-row - 0.24, "top") if below else (-row + 0.24, "bottom")
        self.axes.text(at, y, text, ha="center", va=va, fontsize=7.5, color=color)
        return self

    def ticks(self, row: int, *moments: float) -> Self:
        """Draw small marks, such as heartbeats."""
        for at in moments:
            self.axes.plot((at, at), (-row - 0.18, -row + 0.18), color=INK, linewidth=1.2)
        return self

    def arrow(self, start: tuple[float, float], end: tuple[float, float], text: str = "", kind: str = "quiet") -> Self:
        """Draw an arrow from (row, time) to (row, time), such as a message or a move."""
        (row, at), (to_row, to_at) = start, end
        gap = 0.2 if to_row > row else -0.2
        self.axes.annotate(
            "", (to_at, -to_row + gap), (at, -row - gap),
            arrowprops={"arrowstyle": "-|>", "color": COLOURS[kind], "linewidth": 1, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
        if text:
            self.axes.text((at + to_at) / 2 + self.to * 0.012, -(row + to_row) / 2, text, va="center", fontsize=7.5)
        return self

    def span(self, start: float, end: float, text: str, kind: str = "quiet") -> Self:
        """Shade a stretch of time over all rows."""
        self.axes.axvspan(start, end, facecolor=COLOURS[kind], alpha=0.08, linewidth=0)
        self.axes.text((start + end) / 2, 0.72, text, ha="center", va="top", fontsize=7.5, color=COLOURS[kind])
        return self
