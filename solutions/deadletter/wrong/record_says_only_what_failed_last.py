"""The record keeps the outermost error of the last attempt and nothing else.

Incident: Every dead letter says "LedgerError: no ledger". That the attempts met an expired certificate was known to
  processes that are gone.
Fails: 3
Says: the record says that something failed, and not why
"""


def error_chain(error: BaseException) -> list[dict[str, str]]:
    return [{"type": type(error).__name__, "message": str(error)}]


def _after_failure(worker: str, entry: bytes, error: BaseException, *, now_s: float) -> dict[str, Any]:
    try:
        job = decode(entry)
    except UndecodableError:
        nothing: dict[str, Any] = {"id": None, "payload": None, "submitted_at_s": None, "attempts": 0, "errors": []}
        job = {**nothing, "raw_hex": entry.hex()}
    attempt = job["attempts"] + 1
    failure = {"attempt": attempt, "at_s": now_s, "worker": worker, "chain": error_chain(error)}
    return {**job, "attempts": attempt, "errors": [failure]}
