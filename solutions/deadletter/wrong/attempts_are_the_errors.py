"""The number of attempts is taken from the list of errors.

Incident: A job that was re-driven twice seems to have been tried twelve times in a row, and is given up by hand.
Fails: 6
Says: five errors
"""


def _after_redrive(record: dict[str, Any], *, now_s: float) -> dict[str, Any]:
    provenance = {"at_s": now_s, "dead_at_s": record["dead_at_s"], "attempts": len(record["errors"])}
    job = {name: value for name, value in record.items() if name != "dead_at_s"}
    return {**job, "attempts": 0, "redriven": [*record.get("redriven", []), provenance]}
