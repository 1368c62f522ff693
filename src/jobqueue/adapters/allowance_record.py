"""The stored form of an allowance: a JSON list. An admission compares its bytes to see whether it has changed."""

import json

from jobqueue.domain.admission import Allowance, Attempts


def encode_allowance(allowance: Allowance) -> bytes:
    """Return what is stored."""
    return json.dumps(allowance, separators=(",", ":")).encode()


def decode_allowance(stored: bytes) -> Allowance | None:
    """Return the stored allowance; None if there is none that this code can read, and then admission starts afresh."""
    try:
        at, (succeeded, failed), *rates = json.loads(stored)
        return Allowance(float(at), Attempts(int(succeeded), int(failed)), *(float(rate) for rate in rates))
    except (ValueError, TypeError):
        return None
