"""What retries add to the load of a dependency that fails, and what a retry budget leaves of it."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from solutions.simulations.backoff import outage_amplification
from solutions.simulations.plots.herd import bars
from solutions.simulations.plots.picture import Changeable, Control, Frame, Guess
from solutions.simulations.plots.style import PINE, RUST, SOFT, plot

CALLS_PER_S, OUTAGE_S, BEFORE_S = 20, 40, 10
RATES = (0.05, 0.2, 0.5, 0.8, 1.0)
ATTEMPTS = (1, 2, 3, 4, 6)
CAP, COST = 100, 10


def frame(rate: int, attempts: int, budget: int) -> Frame:
    """Run the outage with these choices."""
    most, share = ATTEMPTS[attempts], RATES[rate]
    found = outage_amplification(
        attempts=most,
        calls_per_s=CALLS_PER_S,
        outage_s=OUTAGE_S,
        before_s=BEFORE_S,
        failure_rate=share,
        budget_cap=CAP if budget else None,
        budget_cost=COST,
    )
    xs, ys = bars(found.per_second, OUTAGE_S + 2 * BEFORE_S)
    return Frame(
        {"load": (xs, [count / CALLS_PER_S for count in ys])},
        f"{share:.0%} of attempts fail for {OUTAGE_S} s, at most {most} {'attempt' if most == 1 else 'attempts'} "
        f"a call, {'with the budget' if budget else 'no budget'}: the dependency gets {found.amplification:.2f} "
        "times its usual load.",
    )


def _draw(first: Frame) -> tuple[Figure, Axes]:
    figure, (axes,) = plot(2.4)
    axes.set_xlim(0, OUTAGE_S + 2 * BEFORE_S)
    axes.set_ylim(0, 8)
    axes.set_xlabel("seconds")
    axes.set_ylabel("load, times the usual")
    axes.axvspan(BEFORE_S, BEFORE_S + OUTAGE_S, facecolor=RUST, alpha=0.08, linewidth=0)
    axes.annotate("outage", (BEFORE_S + OUTAGE_S / 2, 8), (0, -10), textcoords="offset points", ha="center", color=RUST)
    axes.fill(*first.series["load"], color=PINE, linewidth=0, gid="series-load")
    axes.axhline(1, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    return figure, axes


FIGURE = Changeable(
    "outage",
    "Retries in an outage",
    f"{CALLS_PER_S} new calls a second, {BEFORE_S} s of health before and after {OUTAGE_S} s in which a share of "
    "attempts fails at once; full jitter, ceilings from 0.1 to 2 s. The budget belongs to the whole process: a "
    "retry costs 10 tokens, a success pays in one, and 100 fit, so that ten retries are paid for at the start "
    "and one for every ten successes after that. A call whose retry can't be paid for fails at once.",
    Guess("Every attempt fails, up to 4 attempts a call, no budget. How many times the usual load?", "times", 1, 8, 4),
    (
        Control("failure rate", tuple(f"{share:.0%}" for share in RATES), default=4),
        Control("attempts", tuple(str(most) for most in ATTEMPTS), default=3),
        Control("retry budget", ("no budget", "1 retry for 10 successes")),
    ),
    frame,
    _draw,
)
