"""Who holds a job while its lease is renewed, forgotten, and taken over."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from solutions.simulations.lease import Leased, Span, leased
from solutions.simulations.plots.picture import Changeable, Control, Frame, Guess, Points
from solutions.simulations.plots.style import PINE, RUST, SOFT, plot

SHOWN_S = 100
LEASES_S = (9, 15, 30, 60)
PAUSES_S = (0, 6, 12, 20, 40)
BEATS = (("a third of the lease", 1 / 3), ("half the lease", 1 / 2), ("no heartbeats", None))


def _boxes(spans: list[Span], y: float) -> Points:
    """Return rectangles beside each other as one outline that comes back along its lower edge."""
    xs, ys = [0.0], [y]
    for span in spans:
        xs += [span.from_s, span.from_s, span.to_s, span.to_s]
        ys += [y, y + 0.55, y + 0.55, y]
    return [*xs, 0.0], [*ys, y]


def _ticks(at_s: tuple[float, ...], y: float) -> Points:
    xs, ys = [0.0], [y]
    for second in at_s:
        xs += [second, second, second]
        ys += [y, y + 0.3, y]
    return xs, ys


def _words(found: Leased, lease_s: float, pause_s: float, beats: str) -> str:
    head = f"Lease {lease_s:g} s, heartbeat: {beats}, pause {pause_s:g} s. "
    if found.lapsed_s is None:
        return head + f"The lease never lapses; worker A finishes at {found.first[1].to_s:g} s and its answer counts."
    assert found.second is not None
    return (
        head + f"The lease lapses at {found.lapsed_s:g} s, worker B runs the job again and finishes at "
        f"{found.second.to_s:g} s. Worker A's answer at {found.first[1].to_s:g} s carries an old token and is "
        "refused. The handler ran twice."
    )


def frame(lease: int, pause: int, beat: int) -> Frame:
    """Run the job with these choices."""
    lease_s, pause_s, (name, share) = float(LEASES_S[lease]), float(PAUSES_S[pause]), BEATS[beat]
    found = leased(lease_s=lease_s, pause_s=pause_s, beat_s=None if share is None else lease_s * share)
    return Frame(
        {
            "a": _boxes([span for span in found.first if span.to_s > span.from_s], 2),
            "lease": _boxes(list(found.held), 1),
            "beats": _ticks(found.beats_s, 1.55),
            "b": _boxes([found.second] if found.second else [], 0),
        },
        _words(found, lease_s, pause_s, name),
    )


def _draw(first: Frame) -> tuple[Figure, Axes]:
    figure, (axes,) = plot(2.0)
    axes.set_xlim(0, SHOWN_S)
    axes.set_ylim(-0.1, 2.8)
    axes.set_yticks([0.27, 1.27, 2.27], ["worker B runs", "a lease holds", "worker A runs"])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("seconds after worker A's claim")
    axes.fill(*first.series["a"], color=PINE, linewidth=0, gid="series-a")
    axes.fill(*first.series["lease"], facecolor="none", edgecolor=SOFT, linewidth=1, gid="series-lease")
    axes.plot(*first.series["beats"], color=SOFT, linewidth=1, gid="series-beats")
    axes.fill(*first.series["b"], color=RUST, linewidth=0, gid="series-b")
    return figure, axes


FIGURE = Changeable(
    "lease",
    "A lease, its heartbeats, and a worker that stands still",
    "The job takes 30 s. Worker A stops for the pause 12 s after its claim (a long garbage collection, a "
    "suspended laptop, a stalled disk) and then goes on as if nothing had happened. The service renews at a "
    "third of the lease. Nothing else delays a worker here: a real reaper looks every few seconds, so worker B "
    "begins a little later.",
    Guess(
        "Lease 15 s, a heartbeat every 5 s. How long may worker A stand still before the job runs twice?",
        "s",
        0,
        60,
        13,
    ),
    (
        Control("lease", tuple(f"{lease} s" for lease in LEASES_S), default=1),
        Control("pause", tuple(f"{pause} s" for pause in PAUSES_S), default=3),
        Control("heartbeat", tuple(name for name, _ in BEATS)),
    ),
    frame,
    _draw,
)
