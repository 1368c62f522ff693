"""Prometheus metrics for what the application reports.

Label values are bounded: queue names are the operator's, all other labels have a fixed set of values. Children are
bound once and kept, since looking one up by its labels costs more than adding to it.
"""

from collections.abc import Sequence
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.adapters.trace_context import exemplar_of
from jobqueue.application.ports.observer import Outcome
from jobqueue.domain.job import Job, QueueStats

DURATION_BUCKETS_S = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 300.0)


# --8<-- [start:prometheus]
class PrometheusObserver(SilentObserver):
    """Counts attempts by outcome and records their durations: rate, errors and duration (RED) of every queue."""

    def __init__(self, registry: CollectorRegistry) -> None:
        processed = Counter(
            "jobs_processed", "Attempts that ended, by outcome.", ("queue", "status"), registry=registry
        )
        duration = Histogram(
            "job_duration_seconds", "Duration of attempts.", ("queue",), buckets=DURATION_BUCKETS_S, registry=registry
        )
        self._processed = cache(lambda queue, outcome: processed.labels(queue, outcome.value))
        self._duration = cache(duration.labels)
        # --8<-- [end:prometheus]
        submitted = Counter("jobs_submitted", "Jobs that were stored.", ("queue",), registry=registry)
        duplicates = Counter("jobs_duplicate", "Submits of a job that was there before.", ("queue",), registry=registry)
        lost = Counter("job_leases_lost", "Jobs whose lease another worker holds now.", ("queue",), registry=registry)
        moved = Counter("jobs_moved", "Jobs moved by a background loop.", ("queue", "move"), registry=registry)
        failures = Counter("jobqueue_failures", "Failed passes of a loop.", ("where",), registry=registry)
        depth = Gauge("jobs", "Jobs in each state, as last looked at.", ("queue", "state"), registry=registry)
        age = Gauge("oldest_ready_job_age_seconds", "How long the next job has waited.", ("queue",), registry=registry)
        overdue = Gauge(
            "oldest_due_job_age_seconds", "How long the first due job waits.", ("queue",), registry=registry
        )
        retries = Gauge(
            "retries_waiting", "Scheduled jobs that are retries, as last looked at.", ("queue",), registry=registry
        )
        self._submitted = cache(submitted.labels)
        self._duplicates = cache(duplicates.labels)
        self._lost = cache(lost.labels)
        self._moved = cache(moved.labels)
        self._failures = cache(failures.labels)
        self._depth, self._age, self._overdue, self._retries = depth, age, overdue, retries

    def submitted(self, queue: str, stored: int, duplicates: int) -> None:
        """Count the stored jobs, and the duplicates."""
        self._submitted(queue).inc(stored)
        if duplicates:
            self._duplicates(queue).inc(duplicates)

    # --8<-- [start:attempt-ended]
    def attempt_ended(
        self, job: Job, started: object, outcome: Outcome, elapsed_s: float, error: BaseException | None
    ) -> None:
        """Count the attempt and record its duration, with the job's trace as exemplar; handlers need no code for it."""
        del started, error
        exemplar = exemplar_of(job.context) if job.context else None
        self._processed(job.queue, outcome).inc(1, exemplar)
        self._duration(job.queue).observe(elapsed_s, exemplar)

    # --8<-- [end:attempt-ended]

    def leases_lost(self, queue: str, job_ids: Sequence[str]) -> None:
        """Count the leases."""
        self._lost(queue).inc(len(job_ids))

    def moved(self, queue: str, move: str, count: int) -> None:
        """Count the moves of the background loops."""
        self._moved(queue, move).inc(count)

    def failed(self, where: str, error: BaseException) -> None:
        """Count the failed pass; `where` is the name of a loop, of which there are a handful."""
        del error
        self._failures(where).inc()

    def looked(self, stats: QueueStats) -> None:
        """Show how deep a queue is and how long its next job has waited."""
        for state, count in stats.depth.items():
            self._depth.labels(stats.queue, state.value).set(count)
        self._age.labels(stats.queue).set(stats.oldest_ready_age_s)
        self._overdue.labels(stats.queue).set(stats.oldest_due_age_s)
        self._retries.labels(stats.queue).set(stats.retries)
