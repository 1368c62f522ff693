"""decode expects bad JSON and not bytes that are no text at all.

Incident: A producer sends a compressed payload. UnicodeDecodeError is no JSONDecodeError: it comes out of fail, where
  the handling of errors was, and every worker that takes the entry dies.
Fails: 3, 4, 5
Says: UnicodeDecodeError
"""


def decode(entry: bytes) -> dict[str, Any]:
    try:
        job = json.loads(entry.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise UndecodableError(f"not JSON in UTF-8: {error}") from error
    if not isinstance(job, dict):
        raise UndecodableError(f"a JSON {type(job).__name__} is not a job; a job is an object")
    missing = [name for name in ("id", "payload", "submitted_at_s", "attempts", "errors") if name not in job]
    if missing:
        raise UndecodableError(f"the job has no {', '.join(missing)}")
    if not isinstance(job["id"], str) or not job["id"]:
        raise UndecodableError(f"id must be a string that is not empty, got {job['id']!r}")
    if type(job["attempts"]) is not int or job["attempts"] < 0:
        raise UndecodableError(f"attempts must be an int, 0 or more, got {job['attempts']!r}")
    if not isinstance(job["errors"], list):
        raise UndecodableError(f"errors must be a list, got {job['errors']!r}")
    if not isinstance(job["submitted_at_s"], int | float):
        raise UndecodableError(f"submitted_at_s must be a number, got {job['submitted_at_s']!r}")
    return job
