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
TYPE_LIMIT = 64
COUNT_LIMIT = 2**31 - 1
LATEST = 253_402_300_799.0
"""The last second of the year 9999: what a message to a client can carry. All bounds are those of what we write."""

_quoted = lru_cache(maxsize=1024)(json.dumps)
_scan = json.JSONDecoder().raw_decode


# --8<-- [start:encode]
def encode(job: Job) -> bytes:
    """Return the record of a job."""
    submitted = repr(job.submitted_at)
    due = submitted if job.due_at == job.submitted_at else repr(job.due_at)  # printing a float costs the most here
    line = f"[{VERSION},{_quoted(job.type)},{job.attempt},{submitted},{due}"
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
        UndecodableRecord: The bytes are not a record, or their version is not one that this code reads.
    """
    line, newline, payload = record.partition(b"\n")
    try:
        header = _scan(line.decode())[0]
        version, kind, attempt, submitted_at, due_at = header[:5]
        if not (
            newline
            and version == VERSION
            and type(kind) is str
            and len(kind) <= TYPE_LIMIT
            and kind.isascii()
            and type(attempt) is int
            and 1 <= attempt <= COUNT_LIMIT
            and type(submitted_at) is float
            and 0.0 <= submitted_at <= LATEST
            and type(due_at) is float
            and 0.0 <= due_at <= LATEST
        ):
            raise UndecodableRecord(f"record of job {job_id} is not of version {VERSION}: {line[:80]!r}")
        job = Job(job_id, queue, kind, payload, attempt, submitted_at, due_at)  # by name it takes twice as long
        return job if len(header) == 5 else job._replace(**_read_more(header[5]))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise UndecodableRecord(f"record of job {job_id} cannot be decoded: {error}: {line[:80]!r}") from error


# --8<-- [end:decode]


def decode_or_show(job_id: str, queue: str, record: bytes, died_at: float) -> Job:
    """Return the job of a dead record. If it can't be decoded, return a job whose failure shows the bytes."""
    try:
        return decode(job_id, queue, record)
    except UndecodableRecord as error:
        return unreadable_job(job_id, queue, record, str(error), died_at)


def _read_more(more: dict[str, Any]) -> dict[str, Any]:
    json.dumps(more.get("f"), ensure_ascii=False).encode()  # half a surrogate pair is no text: nobody could be sent it
    context = {str(name): str(value) for name, value in more.get("c", {}).items()}
    failures = tuple(
        Failure(_count(attempt), _instant(at), tuple(Cause(str(kind), str(message)) for kind, message in causes))
        for attempt, at, causes in more.get("f", ())
    )
    redriven = tuple(
        Redriven(_instant(at), _instant(died_at), _count(attempts)) for at, died_at, attempts in more.get("r", ())
    )
    return {"key": str(more.get("k", "")), "context": context, "failures": failures, "redriven": redriven}


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= COUNT_LIMIT:
        raise ValueError(f"{value!r:.40} is no number of attempts")
    return value


def _instant(value: Any) -> float:
    at = float(value)
    if not 0.0 <= at <= LATEST:
        raise ValueError(f"{value!r:.40} is no instant")
    return at
