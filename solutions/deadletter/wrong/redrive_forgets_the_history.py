"""The re-driven job starts as if it had never failed.

Incident: It dies again, of the same cause. Nobody can see that it happened before, and the same search begins again.
Fails: 6
Says: job-3.errors: []
"""


def _after_redrive(record: dict[str, Any], *, now_s: float) -> dict[str, Any]:
    provenance = {"at_s": now_s, "dead_at_s": record["dead_at_s"], "attempts": record["attempts"]}
    job = {name: value for name, value in record.items() if name != "dead_at_s"}
    del provenance
    return {**job, "attempts": 0, "errors": []}
