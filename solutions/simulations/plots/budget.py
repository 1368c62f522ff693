"""A retry budget that empties in an outage and fills again afterwards."""

from matplotlib.figure import Figure

from solutions.simulations.backoff import tokens_over_time
from solutions.simulations.plots.picture import Picture
from solutions.simulations.plots.style import PINE, RUST, SOFT, plot

BEFORE_S, OUTAGE_S, AFTER_S = 10, 20, 30


def _draw() -> Figure:
    tokens, granted, refused = tokens_over_time(before_s=BEFORE_S, outage_s=OUTAGE_S, after_s=AFTER_S)
    figure, (upper, lower) = plot(3.2, rows=2, sharex=True)
    seconds = range(len(tokens))
    upper.plot([0, *(second + 1 for second in seconds)], [100, *tokens], color=PINE)
    upper.set_ylabel("tokens")
    upper.set_ylim(0, 110)
    lower.step(seconds, granted, where="post", color=PINE, label="retries granted")
    lower.step(seconds, refused, where="post", color=RUST, linestyle=(0, (3, 2)), label="retries refused")
    lower.legend(loc="upper right")
    lower.set_ylabel("a second")
    lower.set_xlabel("seconds")
    for axes in (upper, lower):
        axes.axvspan(BEFORE_S, BEFORE_S + OUTAGE_S, facecolor=RUST, alpha=0.08, linewidth=0)
        axes.set_xlim(0, len(tokens) - 1)
    upper.annotate(
        "outage", (BEFORE_S + OUTAGE_S / 2, 85), (0, -9), textcoords="offset points", ha="center", color=RUST
    )
    upper.axhline(100, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    return figure


PICTURE = Picture(
    "budget",
    "A retry budget empties, refuses, and fills again",
    "20 calls a second, a budget of 100 tokens, 10 for a retry, one paid in by each success. The outage empties "
    "the budget within its first second; from then on every retry is refused. After the outage each second of "
    "successes pays in 20 tokens, and five seconds later the budget is full again.",
    _draw,
)
