"""What becomes of a job whose attempt failed: scheduled again, or dead. Worker and reaper both ask here."""

import random
from typing import NamedTuple

from jobqueue.domain.errors import LeaseLapsed, UndecodableRecord
from jobqueue.domain.job import FAILURES_KEPT, Cause, Failure, Job, Lease, Redriven
from jobqueue.domain.retry import RetryBudget, RetryPolicy, is_transient

CAUSES_KEPT = 8
MESSAGE_LIMIT = 500


class Retry(NamedTuple):
    """Schedule the job as given: next attempt, new due instant, failure noted."""

    job: Job


class Bury(NamedTuple):
    """The job is dead, as given, failure noted."""

    job: Job


# --8<-- [start:verdict]
def after_failure(
    job: Job,
    error: BaseException,
    policy: RetryPolicy,
    *,
    now: float,
    rng: random.Random,
    budget: RetryBudget | None = None,
) -> Retry | Bury:
    """Decide what becomes of a job whose attempt ended with this error.

    Permanent, or no attempt left: dead. Otherwise scheduled after a full-jitter delay. An empty budget loses no job:
    it makes the job wait the policy's whole cap longer, so that what is failing is asked less often.
    """
    failed = noted(job, error, now)
    if not is_transient(error) or job.attempt >= policy.max_attempts:
        return Bury(failed)
    delay_s = policy.delay_s(job.attempt, rng)
    if budget is not None and not budget.spend():
        delay_s += policy.cap_s
    return Retry(failed._replace(attempt=job.attempt + 1, due_at=now + delay_s))


# --8<-- [end:verdict]


# --8<-- [start:lapsed]
def after_lapse(lease: Lease, policy: RetryPolicy, *, now: float) -> Retry | Bury:
    """Decide what becomes of a job whose worker stayed silent past the lease.

    The attempt counts: a job that kills its worker each time must end dead, not go round for ever. The lease was the
    delay, so the next attempt is due at once.
    """
    holder = lease.token.partition(".")[0]
    error = LeaseLapsed(f"worker {holder} stayed silent past the lease of attempt {lease.job.attempt}")
    failed = noted(lease.job, error, now)
    if lease.job.attempt >= policy.max_attempts:
        return Bury(failed)
    return Retry(failed._replace(attempt=lease.job.attempt + 1, due_at=now))


# --8<-- [end:lapsed]


def noted(job: Job, error: BaseException, now: float) -> Job:
    """Return the job with the error's chain added to its failures; of more than twenty, the first and the last stay."""
    failures = [*job.failures, Failure(job.attempt, now, causes_of(error))]
    if len(failures) > FAILURES_KEPT:
        del failures[1 : len(failures) - FAILURES_KEPT + 1]
    return job._replace(failures=tuple(failures))


def causes_of(error: BaseException) -> tuple[Cause, ...]:
    """Return the chain of an error, outermost first, as `is_transient` walks it; a group is followed by its members."""
    causes: list[Cause] = []
    seen: set[int] = set()
    pending: list[BaseException] = [error]
    while pending and len(causes) < CAUSES_KEPT:
        node = pending.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        causes.append(Cause(type_name(node), _message(node)))
        if isinstance(node, BaseExceptionGroup):
            pending.extend(node.exceptions)
        behind = None if node.__suppress_context__ else node.__context__
        # Not `or`: an error may be false, one with a length of 0 for instance.
        following = node.__cause__ if node.__cause__ is not None else behind
        if following is not None:
            pending.append(following)
    return tuple(causes)


def type_name(error: BaseException) -> str:
    """Return the name by which dead jobs are re-driven by error type: module and class, built-in ones bare."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    """Return the error's text, shortened; an error whose `__str__` fails must not fail the failure's handling."""
    try:
        text = str(error)
    except Exception as unprintable:  # noqa: BLE001 - a handler's error class may do anything
        text = f"<no message: {type(unprintable).__name__} while printing it>"
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= MESSAGE_LIMIT else f"{text[: MESSAGE_LIMIT - 1]}…"


# --8<-- [start:redriven]
def redriven(job: Job, *, died_at: float, now: float) -> Job:
    """Return a dead job as it is sent back: attempts from 1 again, failures kept, the re-drive noted."""
    marks = (*job.redriven, Redriven(now, died_at, job.attempt))[-FAILURES_KEPT:]
    return job._replace(attempt=1, due_at=now, redriven=marks)


# --8<-- [end:redriven]


UNREADABLE = "unreadable"
"""Type of a dead job whose record cannot be decoded; its payload is the record, byte for byte."""


def unreadable_job(job_id: str, queue: str, raw: bytes, problem: str, now: float) -> Job:
    """Return what is buried for a record that cannot be decoded: nothing of it is lost, and it does not loop."""
    job = Job(job_id, queue, UNREADABLE, raw, 1, now, now)
    return noted(job, UndecodableRecord(problem), now)
