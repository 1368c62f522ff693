"""The stored form of a job: one line of JSON, a newline, and the payload as it came.

The line is `[version, type, attempt, submitted_at, due_at]`, with an object as sixth member when there is more to
say: k idempotency key, c context, f failures, r re-drives. Id and queue are in the key, not in the record. A reader
ignores members and object keys that it does not know, so a newer writer may add some; what an old reader would get
wrong needs a new version number.
"""

import json
from functools import lru_cache
from typing import Any

from jobqueue.domain.errors import UndecodableRecord
from jobqueue.domain.job import Cause, Failure, Job, Redriven
from jobqueue.domain.verdict import unreadable_job

VERSION = 1

_quoted = lru_cache(maxsize=1024)(json.dumps)
_scan = json.JSONDecoder().raw_decode


# --8<-- [start:encode]
def encode(job: Job) -> bytes:
    """Return the record of a job."""
    line = f"[{VERSION},{_quoted(job.type)},{job.attempt},{job.submitted_at!r},{job.due_at!r}"
    if job.key or job.context or job.failures or job.redriven:
        line += "," + _more(job)
    return b"%b]\n%b" % (line.encode(), job.payload)


# --8<-- [end:encode]


def _more(job: Job) -> str:
    more = {"k": job.key, "c": dict(job.context), "f": job.failures, "r": job.redriven}
    return json.dumps({name: value for name, value in more.items() if value}, separators=(",", ":"))


# --8<-- [start:decode]
def decode(job_id: str, queue: str, record: bytes) -> Job:
    """Return the job of a record.

    Raises:
        UndecodableRecord: The bytes are no record, or none of a version that this code reads.
    """
    line, newline, payload = record.partition(b"\n")
    try:
        header = _scan(line.decode())[0]
        version, kind, attempt, submitted_at, due_at = header[:5]
        if not (
            newline
            and version == VERSION
            and type(kind) is str
            and type(attempt) is int
            and attempt >= 1
            and type(submitted_at) is float
            and type(due_at) is float
        ):
            raise UndecodableRecord(f"record of job {job_id} is not of version {VERSION}: {line[:80]!r}")
        if len(header) == 5:
            return Job(job_id, queue, kind, payload, attempt, submitted_at, due_at)
        return Job(job_id, queue, kind, payload, attempt, submitted_at, due_at, *_read_more(header[5]))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise UndecodableRecord(f"record of job {job_id} cannot be decoded: {error}: {line[:80]!r}") from error


# --8<-- [end:decode]


def decode_or_show(job_id: str, queue: str, record: bytes, died_at: float) -> Job:
    """Return the job of a dead record, or, if it cannot be decoded, the job that shows the bytes."""
    try:
        return decode(job_id, queue, record)
    except UndecodableRecord as error:
        return unreadable_job(job_id, queue, record, str(error), died_at)


def _read_more(more: dict[str, Any]) -> tuple[str, dict[str, str], tuple[Failure, ...], tuple[Redriven, ...]]:
    context = {str(name): str(value) for name, value in more.get("c", {}).items()}
    failures = tuple(
        Failure(int(attempt), float(at), tuple(Cause(str(kind), str(message)) for kind, message in causes))
        for attempt, at, causes in more.get("f", ())
    )
    redriven = tuple(Redriven(float(at), float(died_at), int(attempts)) for at, died_at, attempts in more.get("r", ()))
    return str(more.get("k", "")), context, failures, redriven
