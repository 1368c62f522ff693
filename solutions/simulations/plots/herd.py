"""Clients that failed together come back together, unless their waits are drawn: attempts in each second."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from solutions.simulations.backoff import Herd, Jitter, herd
from solutions.simulations.plots.picture import Changeable, Control, Frame, Guess, Picture, Points
from solutions.simulations.plots.style import PINE, RUST, SOFT, plot

SHOWN_S = 40
JITTERS: tuple[Jitter, ...] = ("none", "equal", "full")
ENDS: tuple[Jitter, ...] = ("none", "full")
CAPS_S = (1, 4, 16, 60)
HERDS = ((400, 1.0), (100, 1.0), (400, 0.25))
PER_S = 50


def bars(per_second: Sequence[int], shown_s: int) -> Points:
    """Return the outline of one bar a second, closed along the axis."""
    xs, ys = [0.0], [0.0]
    for second in range(shown_s):
        height = per_second[second] if second < len(per_second) else 0
        if height != ys[-1]:
            xs += [second, second]
            ys += [ys[-1], height]
    return [*xs, shown_s, shown_s], [*ys, ys[-1], 0]


def _words(clients: int, jitter: Jitter, found: Herd) -> str:
    idle = 1 - sum(min(count, PER_S) for count in found.per_second) / (PER_S * (found.finished_s + 0.1))
    return (
        f"{clients} clients, {'no' if jitter == 'none' else jitter} jitter: {found.attempts:,} attempts, the last "
        f"client is served after {found.finished_s:,.0f} s, and {max(0.0, idle):.0%} of the capacity goes unused "
        "until then."
    )


def frame(jitter: int, cap: int, preset: int) -> Frame:
    """Run the herd with these choices."""
    clients, base_s = HERDS[preset]
    found = herd(clients, jitter=JITTERS[jitter], base_s=base_s, cap_s=CAPS_S[cap])
    return Frame({"attempts": bars(found.per_second, SHOWN_S)}, _words(clients, JITTERS[jitter], found))


def _axes(axes: Axes, top: float) -> None:
    axes.set_xlim(0, SHOWN_S)
    axes.set_ylim(0, top)
    axes.set_ylabel("attempts a second")
    axes.axhline(PER_S, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.annotate(f"capacity: {PER_S} a second", (SHOWN_S, PER_S), (0, 3), textcoords="offset points", ha="right")


def _changeable(first: Frame) -> tuple[Figure, Axes]:
    figure, (axes,) = plot(2.5)
    _axes(axes, 1_000)
    axes.set_xlabel("seconds after the failure")
    axes.fill(*first.series["attempts"], color=PINE, linewidth=0, gid="series-attempts")
    return figure, axes


def _both() -> Figure:
    figure, rows = plot(3.4, rows=2, sharex=True)
    for axes, jitter, colour in zip(rows, ENDS, (RUST, PINE), strict=True):
        _axes(axes, 900)
        axes.fill(*bars(herd(400, jitter=jitter).per_second, SHOWN_S), color=colour, linewidth=0)
        axes.set_title("no jitter: everyone waits exactly the ceiling" if jitter == "none" else "full jitter")
    rows[-1].set_xlabel("seconds after the failure")
    return figure


PICTURE = Picture(
    "herd-picture",
    "The same 400 clients, without jitter and with full jitter",
    "Without jitter, all clients come back in the same instants, 1, 3, 7, 15 and 31 seconds after the failure, "
    "and nothing happens in between. With full jitter there are more attempts in the first second, because a "
    "wait may be short; then they spread out, the load falls to the capacity within six seconds, and everyone "
    "has been served after 20.",
    _both,
)

FIGURE = Changeable(
    "herd",
    "A herd of clients retries",
    "The dependency serves 5 attempts in each tenth of a second and refuses the others immediately. All clients "
    "fail at second 0; the first ceiling is the base, and each later one doubles up to the cap. The first second "
    "goes over the edge on purpose: the size of the first wave is the number of clients. Serving 400 clients "
    "takes 8 s at best, serving 100 takes 2 s.",
    Guess("400 clients, no jitter, cap 16 s. How long until the last client has been served?", "s", 0, 2_000, 1_215),
    (
        Control("jitter", ("none", "equal", "full")),
        Control("cap", tuple(f"{cap} s" for cap in CAPS_S), default=2),
        Control("herd", tuple(f"{clients} clients, base {base_s:g} s" for clients, base_s in HERDS)),
    ),
    frame,
    _changeable,
)
