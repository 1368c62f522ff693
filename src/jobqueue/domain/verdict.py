"""What happens to a job whose attempt failed: another attempt, or death. Worker and reaper both use this module."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from jobqueue.domain.errors import LeaseLapsed, UndecodableRecord
from jobqueue.domain.job import FAILURES_KEPT, Cause, Failure, Job, Lease, Redriven
from jobqueue.domain.retry import RetryPolicy, is_transient

CAUSES_KEPT = 8
MESSAGE_LIMIT = 500


class Retry(NamedTuple):
    """The attempt failed: the job waits for its delay and then for its admission. `job` has the failure noted."""

    job: Job


class Redeliver(NamedTuple):
    """The lease lapsed: the job is due again, and nothing has to pay for it. `job` has the failure noted."""

    job: Job


class Bury(NamedTuple):
    """The job is dead. `job` has the failure noted."""

    job: Job


Verdict = Retry | Redeliver | Bury


# --8<-- [start:verdict]
def after_failure(
    job: Job, error: BaseException, policy: RetryPolicy, *, now: float, rng: random.Random
) -> Retry | Bury:
    """Decide what happens to a job whose attempt ended with this error.

    A permanent error buries the job. A transient error buries it only if all of the policy's attempts have failed and
    the first failure is older than the outage that a job must survive. Until then the job waits for a full-jitter
    delay, and is retried as soon as `admission` allows. If the policy has one attempt, the first failure buries the
    job.
    """
    failed = noted(job, error, now)
    if not is_transient(error) or policy.max_attempts == 1:
        return Bury(failed)
    first = next(iter(failures_since_redrive(failed)), failed.failures[-1])
    if job.attempt >= policy.max_attempts and now - first.at >= policy.survive_s:
        return Bury(failed)
    return Retry(failed._replace(attempt=job.attempt + 1, due_at=now + policy.delay_s(job.attempt, rng)))


# --8<-- [end:verdict]


# --8<-- [start:lapsed]
def after_lapse(lease: Lease, policy: RetryPolicy, *, now: float) -> Redeliver | Bury:
    """Decide what happens to a job whose lease has lapsed.

    A job that kills its worker each time must die soon: after as many lapsed leases as the policy has attempts (at most
    19, since older failures are not kept), no matter how long that took. The lease was the delay, so the next attempt
    is due right away.
    """
    holder = lease.token.partition(".")[0]
    error = LeaseLapsed(f"worker {holder} stayed silent past the lease of attempt {lease.job.attempt}")
    failed = noted(lease.job, error, now)
    lapsed = type_name(error)
    lapses = sum(failure.causes[0].type == lapsed for failure in failures_since_redrive(failed) if failure.causes)
    if lapses >= min(policy.max_attempts, FAILURES_KEPT - 1):
        return Bury(failed)
    return Redeliver(failed._replace(attempt=lease.job.attempt + 1, due_at=now))


# --8<-- [end:lapsed]


def failures_since_redrive(job: Job) -> Sequence[Failure]:
    """Return the failures that count: those since the last re-drive, or all if there was none."""
    if not job.redriven:
        return job.failures
    return [failure for failure in job.failures if failure.at >= job.redriven[-1].at]


def noted(job: Job, error: BaseException, now: float) -> Job:
    """Return the job with the error's chain added to its failures.

    If there are more than twenty, the latest are kept, and also the very first and the first since the last re-drive:
    one shows how the trouble began, the other how long it has lasted.
    """
    job = job._replace(failures=(*job.failures, Failure(job.attempt, now, causes_of(error))))
    surplus = len(job.failures) - FAILURES_KEPT
    if surplus <= 0:
        return job
    protected = {0, len(job.failures) - len(failures_since_redrive(job))}
    dropped = [place for place in range(len(job.failures)) if place not in protected][:surplus]
    return job._replace(failures=tuple(each for place, each in enumerate(job.failures) if place not in dropped))


def causes_of(error: BaseException) -> tuple[Cause, ...]:
    """Return the chain of an error, outermost first, in the order of `is_transient`; a group's members follow it."""
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
    """Return the name of an error type, by which dead jobs are selected: module and class; a built-in's bare name."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    """Return the error's text, shortened. If its `__str__` raises, return a substitute, so that handling it works."""
    try:
        text = str(error)
    except Exception as unprintable:  # noqa: BLE001 - a handler's error class may do anything
        text = f"<no message: {type(unprintable).__name__} while printing it>"
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= MESSAGE_LIMIT else f"{text[: MESSAGE_LIMIT - 1]}…"


# --8<-- [start:redriven]
def redriven(job: Job, *, died_at: float, now: float) -> Job:
    """Return a dead job as it is re-driven: attempts begin at 1, its failures are kept, and the re-drive is noted."""
    marks = (*job.redriven, Redriven(now, died_at, job.attempt))[-FAILURES_KEPT:]
    return job._replace(attempt=1, due_at=now, redriven=marks)


# --8<-- [end:redriven]


UNREADABLE = "unreadable"
"""Type of a dead job whose record cannot be decoded; its payload is the record, byte for byte."""


def unreadable_job(job_id: str, queue: str, raw: bytes, problem: str, now: float) -> Job:
    """Return the job to bury for a record that can't be decoded: its bytes are kept, and it is not claimed again."""
    job = Job(job_id, queue, UNREADABLE, raw, 1, now, now)
    return noted(job, UndecodableRecord(problem), now)
