"""A queue at a glance, for a person who looks: counts, ages and names, and nothing of what is inside a job."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.job_store import JobStore
from jobqueue.domain.admission import Attempts
from jobqueue.domain.job import JobState, QueueStats

SAMPLE_S = 1.0
DEAD_LOOKED_AT = 200
LEASES_LOOKED_AT = 10_000


class TypeFigures(NamedTuple):
    """How the jobs of one type do.

    Attributes:
        type: The job type.
        done_per_s: Attempts that succeeded, a second, in all workers together.
        failed_per_s: Attempts that failed with a retry to follow, a second.
        waiting: Retries whose delay is over and that wait for their budget.
    """

    type: str
    done_per_s: float
    failed_per_s: float
    waiting: int


class WorkerFigures(NamedTuple):
    """What one worker holds: how many jobs, and in how many seconds the first of their leases ends."""

    worker: str
    jobs: int
    ends_in_s: float


class QueueOverview(NamedTuple):
    """A queue at one instant.

    Attributes:
        stats: Depths and ages.
        types: Each type of which an attempt was ever counted, sorted.
        dead: How many of the `DEAD_LOOKED_AT` newest dead jobs died of which type of error; the most frequent first.
        workers: Who holds the `LEASES_LOOKED_AT` leases that end first, sorted by name.
    """

    stats: QueueStats
    types: Sequence[TypeFigures]
    dead: Sequence[tuple[str, int]]
    workers: Sequence[WorkerFigures]


async def overview(store: JobStore, clock: Clock, queue: str) -> QueueOverview:
    """Look at a queue. It takes `SAMPLE_S` seconds: rates are what was counted meanwhile."""
    before, began = await store.attempts(queue), clock.ticks()
    await clock.sleep(SAMPLE_S)
    after, took_s = await store.attempts(queue), clock.ticks() - began
    now = clock.now()
    stats = await store.stats(queue, now=now)
    waiting = {retries.type: retries.due for retries in await store.due_retries(queue, now=now)}
    newest = max(0, stats.depth[JobState.DEAD] - DEAD_LOOKED_AT)
    dead = await store.dead(queue, start=newest, limit=DEAD_LOOKED_AT)
    last = [each.job.failures[-1].causes for each in dead if each.job.failures]
    errors = Counter(causes[0].type for causes in last if causes)
    leases = await store.running(queue, limit=LEASES_LOOKED_AT)
    jobs = Counter(token.rpartition(".")[0] for token, _ in leases)
    ends = {token.rpartition(".")[0]: at for token, at in reversed(leases)}
    return QueueOverview(
        stats,
        [
            TypeFigures(
                kind,
                (counted.succeeded - before.get(kind, Attempts(0, 0)).succeeded) / took_s,
                (counted.failed - before.get(kind, Attempts(0, 0)).failed) / took_s,
                waiting.get(kind, 0),
            )
            for kind, counted in sorted(after.items())
        ],
        errors.most_common(),
        [WorkerFigures(worker, jobs[worker], ends[worker] - now) for worker in sorted(jobs)],
    )
