"""The power is computed as an exact integer of as many digits as it takes.

Incident: A corrupted attempt counter of 10**9 keeps a worker busy for seconds and takes over 100 MB, at every look at the job.
Fails: 1, 2
Says: the best of 5
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, got {attempt}; pass the number of the attempt that failed")
    _check_bounds(base_s, cap_s)
    return cap_s if 2 ** (attempt - 1) >= cap_s / base_s else base_s * 2 ** (attempt - 1)
