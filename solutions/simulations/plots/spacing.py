"""The chance to remember a card between reviews: after a success it falls more slowly, after a failure fast."""

from matplotlib.figure import Figure

from solutions.simulations.plots.picture import Picture
from solutions.simulations.plots.style import PINE, RUST, SOFT, plot

DECAY = 0.1542
"""The exponent of FSRS-6's forgetting curve, by its default parameters."""

FACTOR = 0.9 ** (-1 / DECAY) - 1
STAYS_DAYS = ((2, "good"), (7, "good"), (20, "again"), (3, "good"), (9, "good"))
"""How long the card stays above 90 % after each review, and how the next one goes; chosen for the drawing."""


def chance(days: float, stays_days: float) -> float:
    """Return the chance to remember after `days`, where it is 0.9 after `stays_days`; FSRS-6's forgetting curve."""
    return float((1 + FACTOR * days / stays_days) ** -DECAY)


def _draw() -> Figure:
    figure, (axes,) = plot(2.3)
    start = 0.0
    for stays, rating in STAYS_DAYS:
        days = [stays * step / 20 for step in range(21)]
        axes.plot([start + day for day in days], [chance(day, stays) for day in days], color=PINE)
        start += stays
        colour = RUST if rating == "again" else SOFT
        axes.plot((start, start), (0.9, 1.0), color=colour, linewidth=0.8, linestyle=(0, (3, 2)))
        if rating == "again":
            axes.annotate("failed", (start, 1.0), (0, 3), textcoords="offset points", ha="center", color=RUST)
    axes.set_xlim(0, start)
    axes.set_ylim(0.88, 1.01)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}" if value <= 1 else "")
    axes.set_xlabel("days since the card was learned")
    axes.set_ylabel("chance to remember")
    return figure


PICTURE = Picture(
    "spacing",
    "The gap between two reviews grows with success and shrinks with a failure",
    "The chance to remember falls from 100 % after each review, and the card comes back when it reaches 90 %. "
    "After two successes the gaps are 2, 7 and 20 days. Then the card is failed: the next gap is 3 days, and it "
    "grows again from there.",
    _draw,
)
