"""Plots for notebooks: they take the notebook's colours, and say in a sentence what can be seen."""

from collections.abc import Sequence
from html import escape
from itertools import count

from matplotlib.figure import Figure

from solutions.simulations.plots.style import PINE, RUST, SOFT, look, plot, svg
from solutions.simulations.workerpool import Drain

_names = count(1)


class Shown:
    """A plot that a notebook displays: as SVG, with its words below; `figure` is matplotlib's, to change or save."""

    def __init__(self, figure: Figure, words: str) -> None:
        self.figure, self.words = figure, words

    def _repr_html_(self) -> str:
        drawing = svg(self.figure, f"plot{next(_names)}").replace("<svg ", '<svg width="100%" ', 1)
        words = escape(self.words)
        return f'<figure><div role="img" aria-label="{words}">{drawing}</div><figcaption>{words}</figcaption></figure>'


def bars(title: str, values: Sequence[int], *, unit: str, highest: int | None = None, per_bar: str = "second") -> Shown:
    """Plot one bar a value.

    Args:
        title: what is shown.
        values: none below 0.
        unit: what the values count, in the plural, such as "attempts".
        highest: the upper end of the axis, so that two plots share a scale; the largest value if left out.
        per_bar: what a bar stands for.
    """
    top = max(1, highest or max(values, default=1))
    with look():
        figure, (axes,) = plot(2.2)
        axes.bar([place + 0.5 for place in range(len(values))], values, width=0.9, color=PINE)
        axes.set_xlim(0, max(1, len(values)))
        axes.set_ylim(0, top)
        axes.set_title(title)
        axes.set_xlabel(f"{per_bar}s")
        axes.set_ylabel(f"{unit} a {per_bar}")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    words = (
        f"{title}: {len(values)} {per_bar}s, {sum(values):,} {unit} in all, "
        f"at most {max(values, default=0):,} in one {per_bar}."
    )
    return Shown(figure, words)


def slots(title: str, drained: Drain, *, from_s: float = 0.0) -> Shown:
    """Plot one row a worker and one bar a job; jobs that were cut short are outlines, the line is the order to stop."""
    workers = 1 + max(run.worker for run in drained.runs)
    with look():
        figure, (axes,) = plot(0.9 + 0.28 * workers)
        for run in drained.runs:
            at = ((max(run.from_s, from_s), max(0.0, run.to_s - max(run.from_s, from_s) - 0.15)),)
            style = {"facecolor": "none", "linestyle": "--"} if run.cut else {"facecolor": PINE, "alpha": 0.6}
            axes.broken_barh(at, (run.worker - 0.35, 0.7), edgecolor=SOFT, linewidth=0.8, **style)
        axes.axvline(drained.stop_s, color=RUST)
        axes.annotate("stop", (drained.stop_s, workers - 0.5), (4, -4), textcoords="offset points", color=RUST)
        axes.set_xlim(from_s, drained.ended_s)
        axes.set_ylim(-0.6, workers - 0.2)
        axes.set_yticks(range(workers), [f"worker {number}" for number in range(1, workers + 1)])
        axes.set_xlabel("seconds")
        axes.set_title(title)
    words = (
        f"{title}: {workers} workers, told to stop at {drained.stop_s:g} s, gone at {drained.ended_s:.1f} s. "
        f"{len(drained.done)} jobs done, {len(drained.given_back)} given back, {len(drained.stranded)} stranded."
    )
    return Shown(figure, words)
