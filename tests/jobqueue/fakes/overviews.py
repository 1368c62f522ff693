"""Overviews of a queue that is busy and of one that is empty, for the tests of the queue page."""

from jobqueue.application.overview import QueueOverview, TypeFigures, WorkerFigures
from jobqueue.domain.job import JobState, QueueStats

BUSY = QueueOverview(
    QueueStats("default", dict(zip(JobState, (120, 3400, 100, 1000, 7), strict=True)), 2.25, 0.5, 118),
    [
        TypeFigures("charge", 12.5, 3.0, 90),
        TypeFigures("a.type.with.a.name.as.long.as.they.may.be." + "x" * 20, 0.0, 0.0, 0),
    ],
    [("KeyError", 4), ("jobqueue.domain.errors.PermanentError", 3)],
    [WorkerFigures("host-1-0f3a", 64, 9.5), WorkerFigures("host-2-77aa", 36, 14.0)],
)
EMPTY = QueueOverview(QueueStats("<script>alert(1)</script>", dict.fromkeys(JobState, 0), 0.0, 0.0), [], [], [])
