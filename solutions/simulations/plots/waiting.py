"""The knee: how long jobs wait as the workers get busier."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from solutions.simulations.plots.picture import Changeable, Control, Frame, Guess
from solutions.simulations.plots.style import PINE, RUST, plot
from solutions.simulations.waiting import mean_wait_s

WORKERS = (1, 2, 4, 16)
BUSY = (0.5, 0.7, 0.8, 0.9, 0.95)
SERVICE_S = (0.02, 0.2, 2.0)
GRID = [
    0.3,
    0.4,
    0.5,
    0.6,
    0.65,
    0.7,
    0.74,
    0.78,
    0.81,
    0.84,
    0.86,
    0.88,
    0.9,
    0.91,
    0.92,
    0.93,
    0.94,
    0.95,
    0.96,
    0.97,
    0.975,
]


def frame(workers: int, busy: int, service: int) -> Frame:
    """Work out the wait with these choices."""
    count, share, service_s = WORKERS[workers], BUSY[busy], SERVICE_S[service]
    wait_s = mean_wait_s(count, share, service_s)
    rate = count * share / service_s
    curve = [mean_wait_s(count, one, 1.0) for one in GRID]
    at = mean_wait_s(count, share, 1.0)
    return Frame(
        {"curve": (GRID, curve), "here": ([share, share], [0, at])},
        f"{count} {'worker' if count == 1 else 'workers'}, jobs of {service_s:g} s, {rate:,.4g} jobs a second, "
        f"{share:.0%} busy: a job waits {wait_s:.3g} s on average, {wait_s / service_s:.2g} times as long as it "
        f"runs. By Little's law {rate * wait_s:.2g} jobs are waiting ({rate:,.4g} a second times {wait_s:.3g} s).",
    )


def _draw(first: Frame) -> tuple[Figure, Axes]:
    figure, (axes,) = plot(2.4)
    axes.set_xlim(0.3, 1.0)
    axes.set_ylim(0, 20)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("how busy the workers are")
    axes.set_ylabel("wait, in mean run times")
    axes.plot(*first.series["curve"], color=PINE, gid="series-curve")
    axes.plot(*first.series["here"], color=RUST, linewidth=2.4, gid="series-here")
    return figure, axes


FIGURE = Changeable(
    "waiting",
    "How long a job waits, as the workers get busier",
    "Jobs arrive at random (Poisson) and take a random time (exponential): the M/M/c queue, by Erlang's formula "
    "of 1917, which a seeded simulation of 200,000 jobs confirms. Real run times vary less or more than that, so "
    "the curve's shape carries over, its exact numbers don't. Adding jobs a second and adding workers are the "
    "same question seen from two sides.",
    Guess("One worker, jobs of 20 ms, 90 % busy. How long does a job wait on average?", "ms", 0, 500, 180),
    (
        Control("workers", tuple(str(count) for count in WORKERS)),
        Control("busy", tuple(f"{share:.0%}" for share in BUSY), default=3),
        Control("mean run time", ("20 ms", "200 ms", "2 s")),
    ),
    frame,
    _draw,
)
