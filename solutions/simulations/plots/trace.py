"""One trace through a queue: what the caller's span, the wait and the worker's spans look like beside each other."""

from matplotlib.figure import Figure

from solutions.simulations.plots.picture import Picture
from solutions.simulations.plots.timeline import Timeline


def _draw() -> Figure:
    line = Timeline(("client", "front", "(in the queue)", "worker, attempt 1", "worker, attempt 2"), 12, height=2.9)
    line.bar(0, 0, 2.2, "Submit").bar(1, 0.5, 1.9, "send").bar(2, 1.9, 4.5, "waits", "quiet")
    line.arrow((1, 1.9), (2, 2.1)).bar(3, 4.5, 6.5, "process: error", "bad").bar(2, 6.5, 9, "waits", "quiet")
    return line.bar(4, 9, 11.5, "process").arrow((2, 4.3), (3, 4.6)).arrow((2, 8.8), (4, 9.1)).figure


PICTURE = Picture(
    "trace",
    "One trace through a queue",
    "The client's span encloses the front's span, which ends when the job is stored. The job's record carries "
    "the trace context, so each attempt of the worker appears in the same trace, linked to the span that sent "
    "the job. The time between them, when the job waits, has no span; it shows as a gap.",
    _draw,
)
