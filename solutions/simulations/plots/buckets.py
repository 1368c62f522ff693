"""What a histogram's buckets hide: the quantile that is read from them beside the true one."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from solutions.simulations.buckets import SHAPES, counts, estimated_quantile_s, latencies_s, true_quantile_s
from solutions.simulations.plots.picture import Changeable, Control, Frame, Guess, Points
from solutions.simulations.plots.style import PINE, RUST, SOFT, plot

BOUNDS = (
    ("three: 0.1, 1, 10 s", (0.1, 1.0, 10.0)),
    ("Prometheus' default", (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)),
    ("doubling from 5 ms", tuple(0.005 * 2**k for k in range(12))),
    ("around the objective", (0.05, 0.1, 0.15, 0.2, 0.225, 0.25, 0.275, 0.3, 0.5, 1.0, 2.0)),
)
QUANTILES = (0.5, 0.9, 0.95, 0.99)
LOW_S, HIGH_S = 0.004, 12.0


def _bars(bucket_counts: list[int], bounds: tuple[float, ...]) -> Points:
    total = sum(bucket_counts)
    xs, ys = [LOW_S], [0.0]
    for count, low, high in zip(bucket_counts, (LOW_S, *bounds), (*bounds, HIGH_S), strict=True):
        if high > low:
            xs += [low, low, high, high]
            ys += [0, count / total, count / total, 0]
    return xs, ys


def frame(bounds: int, quantile: int, shape: int) -> Frame:
    """Fill the buckets with these choices."""
    (name, edges), q = BOUNDS[bounds], QUANTILES[quantile]
    values = latencies_s(SHAPES[shape])
    found = counts(values, edges)
    true_s, read_s = true_quantile_s(values, q), estimated_quantile_s(found, edges, q)
    off = read_s / true_s - 1
    return Frame(
        {"bars": _bars(found, edges), "true": ([true_s, true_s], [0, 1]), "read": ([read_s, read_s], [0, 1])},
        f"Bounds: {name}; latencies: {SHAPES[shape]}. The true p{q * 100:g} is {true_s * 1000:,.0f} ms, the "
        f"buckets say {read_s * 1000:,.0f} ms: "
        f"{'exactly right' if abs(off) < 0.005 else f'{abs(off):.0%} too ' + ('high' if off > 0 else 'low')}.",
    )


def _draw(first: Frame) -> tuple[Figure, Axes]:
    figure, (axes,) = plot(2.4)
    axes.set_xscale("log")
    axes.set_xlim(LOW_S, HIGH_S)
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value * 1000:g} ms" if value < 1 else f"{value:g} s")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_ylabel("calls in the bucket")
    axes.fill(*first.series["bars"], facecolor="none", edgecolor=SOFT, linewidth=1, gid="series-bars")
    axes.plot(*first.series["true"], color=PINE, linewidth=2, gid="series-true", label="true quantile")
    axes.plot(
        *first.series["read"],
        color=RUST,
        linewidth=2,
        linestyle=(0, (3, 2)),
        gid="series-read",
        label="read from the buckets",
    )
    axes.legend(loc="upper right")
    return figure, axes


_SLOW = latencies_s("just under a bound")
_READ_MS = round(1000 * estimated_quantile_s(counts(_SLOW, BOUNDS[0][1]), BOUNDS[0][1], 0.99))

FIGURE = Changeable(
    "buckets",
    "The quantile that a histogram's buckets hide",
    "4,000 seeded latencies: one hump around 80 ms; two humps, 50 ms and a fifth of calls around 1.2 s; or all "
    "between 220 and 250 ms. The estimate is the one that Prometheus' histogram_quantile makes: even spread "
    "inside a bucket.",
    Guess(
        "Every call takes 220 to 250 ms, and the buckets end at 0.1, 1 and 10 s. What p99 do they show?",
        "ms",
        0,
        1_500,
        _READ_MS,
    ),
    (
        Control("bounds", tuple(name for name, _ in BOUNDS)),
        Control("quantile", tuple(f"p{q * 100:g}" for q in QUANTILES), default=3),
        Control("latencies", SHAPES, default=2),
    ),
    frame,
    _draw,
)
