"""The re-driven job keeps its used-up attempts.

Incident: Each re-driven job is buried again at its first hiccup: re-driving them on a shaky morning moves most of
  them back.
Fails: 6
Says: job-3.attempts: 3
"""


def _after_redrive(record: dict[str, Any], *, now_s: float) -> dict[str, Any]:
    provenance = {"at_s": now_s, "dead_at_s": record["dead_at_s"], "attempts": record["attempts"]}
    job = {name: value for name, value in record.items() if name != "dead_at_s"}
    return {**job, "redriven": [*record.get("redriven", []), provenance]}
