"""Pictures of order in time: a pop and a move, a lease, a shutdown, a race, a channel that closes."""

from matplotlib.figure import Figure

from solutions.simulations.plots.picture import Picture
from solutions.simulations.plots.style import INK, PINE, RULE, RUST, SOFT, empty
from solutions.simulations.plots.timeline import Timeline


def _pop_and_move() -> Figure:
    line = Timeline(
        ("pop: in Redis", "only in memory", "move: ready list", "processing list", "worker"), 10, height=2.9
    )
    line.bar(0, 0, 3, "job").arrow((0, 3), (1, 3)).bar(1, 3, 6, "job", "bad").cross(
        1, 6, "crash: the job is gone", below=True
    )
    line.bar(2, 0, 3, "job").arrow((2, 3), (3, 3), "one command").bar(3, 3, 8.4, "job")
    line.bar(4, 3, 6, "runs").cross(4, 6, "crash", below=True)
    line.arrow((3, 8.4), (2, 8.4), "", "good").bar(2, 8.4, 10, "job")
    return line.moment(3, 8.4, "put back", "good", below=True).figure


def _late_worker() -> Figure:
    line = Timeline(("worker A", "lease", "reaper", "worker B"), 20, height=2.6)
    line.bar(0, 1, 6, "runs, token 7").bar(0, 6, 14, "stands still", "quiet").bar(0, 14, 17, "", "good")
    line.bar(1, 1, 11, "valid for A").ticks(1, 3.5, 5.8).bar(1, 12.3, 20, "valid for B")
    line.cross(1, 11, "lapses").moment(2, 11.6, "back to ready")
    line.arrow((2, 11.6), (3, 12.3)).bar(3, 12.3, 20, "runs, token 8")
    return line.cross(0, 17, "ack with token 7: refused").figure


def _shutdown() -> Figure:
    line = Timeline(("kubelet", "endpoints", "load balancer", "health", "server"), 30, height=2.9)
    line.moment(0, 2, "SIGTERM").cross(0, 29.2, "SIGKILL at 30 s").moment(1, 2, "removed")
    line.arrow((1, 2), (2, 6), "takes seconds").bar(2, 0, 6, "still sends calls").bar(3, 2, 24, "NOT_SERVING", "quiet")
    line.bar(4, 0, 8, "accepts calls").bar(4, 8, 20, "refuses new, finishes old", "quiet").moment(
        4, 23, "exit 0", "good"
    )
    return line.span(2, 8, "lame-duck pause").figure


def _race() -> Figure:
    figure, axes = empty(2.6, (0, 10), (-7.4, 0.9))
    steps = (
        (0, "read total → 10", INK),
        (1, "read total → 10", INK),
        (0, "10 + 1", INK),
        (1, "10 + 1", INK),
        (0, "write 11", PINE),
        (1, "write 11", RUST),
    )
    for column, name in ((0, "thread A"), (1, "thread B")):
        axes.text(3.2 + column * 3.6, 0.35, name, ha="center", weight="bold")
        axes.plot((3.2 + column * 3.6,) * 2, (0, -6.6), color=RULE, linewidth=0.8)
    for number, (column, text, colour) in enumerate(steps):
        axes.text(
            3.2 + column * 3.6, -0.7 - number, text, ha="center", va="center", color=colour,
            bbox={"boxstyle": "round,pad=0.3", "facecolor": "#fefefe", "edgecolor": colour, "linewidth": 0.8},
        )  # fmt: skip
    axes.annotate("", (0.9, -6.4), (0.9, -0.3), arrowprops={"arrowstyle": "-|>", "color": SOFT})
    axes.text(0.55, -3.3, "time", rotation=90, va="center", color=SOFT)
    axes.text(9.6, -6.0, "12 was right", ha="right", color=RUST)
    axes.text(5.0, -7.2, "two increments, one of them lost", ha="center", color=RUST)
    return figure


def _closed_channel() -> Figure:
    line = Timeline(("producer", "buffer", "consumer"), 12, height=2.0)
    line.moment(0, 1, "send 1").moment(0, 3, "send 2").moment(0, 5, "close", "bad")
    line.bar(1, 1, 6.5, "1, 2").bar(1, 6.5, 8, "2").moment(2, 6.5, "1, ok", "good", below=True)
    line.moment(2, 8, "2, ok", "good", below=True)
    return (
        line.moment(2, 9.8, "0, not ok", "quiet", below=True).moment(2, 11.3, "0, not ok", "quiet", below=True).figure
    )


def _failover() -> Figure:
    line = Timeline(("producer", "primary", "replica"), 12, height=2.0)
    line.moment(0, 2, "submit").arrow((0, 2), (1, 2.2)).bar(1, 0, 5.5, "").moment(0, 3, "OK", "good")
    line.cross(1, 5.5, "dies, the write still in its buffer", below=True)
    line.bar(2, 0, 8, "follows", "quiet").bar(2, 8, 12, "is primary now")
    return line.cross(2, 8.6, "the job isn't there").figure


PICTURES = (
    Picture(
        "pop-and-move",
        "A pop loses the job that a move keeps",
        "Above: BRPOP takes the job out of Redis, and from then on it exists only in the worker's memory. The "
        "worker crashes, and the job is gone. Below: one command moves the job from the ready list to the "
        "processing list. The worker crashes, the job is still in Redis, and it can be put back.",
        _pop_and_move,
    ),
    Picture(
        "late-worker",
        "A worker that wakes up late is refused by its token",
        "Worker A claims the job, gets token 7, renews its lease twice and then stands still. The lease lapses, "
        "the reaper puts the job back, and worker B claims it with token 8. Worker A wakes up, finishes, and "
        "acknowledges with token 7. The service refuses that, because the lease now belongs to token 8.",
        _late_worker,
    ),
    Picture(
        "shutdown",
        "A shutdown in Kubernetes that shows no caller an error",
        "At SIGTERM the server reports NOT_SERVING and keeps accepting calls: the lame-duck pause. Kubernetes "
        "removes the pod from the endpoints at the same moment, but it takes seconds until every load balancer "
        "knows. Only then does the server refuse new calls; it finishes the running ones and exits before the "
        "SIGKILL at 30 s.",
        _shutdown,
    ),
    Picture(
        "failover",
        "An acknowledged write that a failover loses",
        "The producer submits a job and the primary answers OK. Before it has sent the write to the replica, the "
        "primary dies. The replica becomes the new primary, and the job isn't there.",
        _failover,
    ),
    Picture(
        "race",
        "Two threads, two increments, one lost",
        "Thread A reads 10, thread B reads 10. Each adds 1. A writes 11, B writes 11. Two increments happened, "
        "and the total grew by one.",
        _race,
    ),
    Picture(
        "closed-channel",
        "What a receive from a closed channel returns",
        "The producer sends 1 and 2 and closes the channel. The consumer still receives 1 and 2, both with ok "
        "true: closing loses nothing. After that every receive returns immediately, with the zero value and ok "
        "false.",
        _closed_channel,
    ),
)
