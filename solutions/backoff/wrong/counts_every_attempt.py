"""The loop caps in each round, but makes a round for every attempt.

Incident: A corrupted attempt counter of 10**9 keeps a worker busy for a minute, at every look at the job.
Fails: 1, 2
Says: the best of 5
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, got {attempt}; pass the number of the attempt that failed")
    _check_bounds(base_s, cap_s)
    ceiling = base_s
    for _ in range(attempt - 1):
        ceiling = min(cap_s, ceiling * 2)
    return ceiling
