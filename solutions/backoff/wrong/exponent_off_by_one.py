"""The exponent is `attempt`, so the first ceiling is already doubled.

Incident: Every wait is twice as long as the deadline arithmetic assumed: one attempt fewer fits into each request.
Fails: 1, 2, 4
Says: wrong by the same factor
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, got {attempt}; pass the number of the attempt that failed")
    _check_bounds(base_s, cap_s)
    ceiling = base_s
    for _ in range(attempt):
        if ceiling >= cap_s:  # caps before the next doubling: no overflow, and at most some dozens of rounds
            break
        ceiling *= 2
    return min(ceiling, cap_s)
