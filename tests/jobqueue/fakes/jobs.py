"""Jobs for tests."""

from jobqueue.application.ports.job_store import Receipt
from jobqueue.domain.job import Job

T0 = 1_700_000_000.0


def job(number=1, *, kind="greet", queue="q", payload=b'{"n":1}', attempt=1, due_in_s=0.0, **fields):
    """Return a job with an id that tells its number, submitted at T0."""
    return Job(f"{number:032x}", queue, kind, payload, attempt, T0, T0 + due_in_s, **fields)


def ids(numbers):
    """Return the ids of jobs of these numbers."""
    return [f"{number:032x}" for number in numbers]


def receipt(lease):
    """Return what proves the holding of a leased job."""
    return Receipt(lease.job.id, lease.token)
