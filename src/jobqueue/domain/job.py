"""A job, its five states, and the records of its failed attempts.

Instants are seconds since the Unix epoch, as floats; their names end in `_at`.
"""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from jobqueue.domain.errors import UndecodableRecord


# --8<-- [start:states]
class JobState(StrEnum):
    """The states of a job; each comment says what moves the job out of it."""

    SCHEDULED = "scheduled"  # the promoter, once the job is due, or the admitter, once a retry may run: to ready.
    #                          A cancel: to dead
    READY = "ready"  # a worker that takes it: to running. A cancel: to dead
    RUNNING = "running"  # its worker: to done, scheduled (retry), dead, ready (given back). The reaper, if the worker
    #                      stayed silent past the lease: to scheduled or dead. Nobody else
    DONE = "done"  # the trimmer, after the retention: removed
    DEAD = "dead"  # a person, by a re-drive: to ready. The trimmer, after the retention: removed


# --8<-- [end:states]


class Cause(NamedTuple):
    """One error of a chain, outermost first: the type's qualified name and its message."""

    type: str
    message: str


class Failure(NamedTuple):
    """How one failed attempt ended.

    Attributes:
        attempt: Which attempt, from 1.
        at: When it ended.
        causes: The error and what it was raised from, outermost first, at most eight.
    """

    attempt: int
    at: float
    causes: Sequence[Cause]


class Redriven(NamedTuple):
    """One re-drive of a job: when it happened, when the job had died, and after how many attempts."""

    at: float
    died_at: float
    attempts: int


class Job(NamedTuple):
    """A job: what the caller submitted, and what has happened to it so far.

    A named tuple because a worker builds one for every job it takes, and it costs a third of a frozen dataclass.

    Attributes:
        id: Unique in its queue; 32 hexadecimal digits unless derived from an idempotency key.
        queue: Name of the queue that it is in.
        type: Picks the handler.
        payload: UTF-8 JSON text, opaque to everything but the handler.
        attempt: The number of the current attempt, or of the next one if none is running; from 1.
        submitted_at: When it was submitted.
        due_at: When it becomes ready; equal to `submitted_at` unless it is delayed or retried.
        key: The idempotency key it was submitted with, or "".
        context: Opaque text pairs that travel with the job (trace context).
        failures: The failed attempts, oldest first, at most `FAILURES_KEPT`; the first is always kept.
        redriven: The re-drives, oldest first, at most `FAILURES_KEPT`.
    """

    id: str
    queue: str
    type: str
    payload: bytes
    attempt: int
    submitted_at: float
    due_at: float
    key: str = ""
    context: Mapping[str, str] = {}
    failures: Sequence[Failure] = ()
    redriven: Sequence[Redriven] = ()

    @property
    def data(self) -> Any:
        """The payload's JSON value, decoded again at each access.

        Raises:
            UndecodableRecord: The payload isn't JSON. If a handler doesn't catch this, the job is dead.
        """
        try:
            return json.loads(self.payload)
        except ValueError as error:
            raise UndecodableRecord(f"payload of job {self.id} is not JSON: {error}") from error


FAILURES_KEPT = 20


class Lease(NamedTuple):
    """A job that a worker holds, and the token that proves it.

    Attributes:
        job: The job.
        token: Identifies the claim that took the job. Every later move compares it, so a late worker is refused.
        expires_at: The instant until which the worker may be silent.
    """

    job: Job
    token: str
    expires_at: float


class Unreadable(NamedTuple):
    """A claimed job whose record can't be decoded: its id, the claim's token, the bytes, and what is wrong."""

    id: str
    token: str
    raw: bytes
    problem: str


class JobView(NamedTuple):
    """A job with its state, as seen at one instant.

    Attributes:
        job: The job.
        state: Where it is.
        at: By state: when it is due, when its lease expires, when it was done or died; if ready, since when it waits.
        token: The lease token of a running job, or "".
        stored: The bytes of the job's record; a cancel compares them.
    """

    job: Job
    state: JobState
    at: float
    token: str = ""
    stored: bytes = b""


class QueueStats(NamedTuple):
    """How many jobs of a queue are in each state, and how long the next ready one has waited.

    Attributes:
        depth: Number of jobs by state.
        oldest_ready_age_s: Age of the job at the head of ready; 0.0 with none.
        oldest_due_age_s: How long the first scheduled job that isn't a retry has been overdue; 0.0 if none is.
        retries: How many of the scheduled jobs are retries, which wait to be admitted when their delay is over.
    """

    queue: str
    depth: Mapping[JobState, int]
    oldest_ready_age_s: float
    oldest_due_age_s: float
    retries: int = 0
