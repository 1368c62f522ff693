"""Attempt 0 is let through: whether attempts count from 0 or from 1 is left to the caller.

Incident: The one caller that counts from 0 waits half as long as planned each time, and nobody notices.
Fails: 1, 2
Says: attempts count from 1
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    _check_bounds(base_s, cap_s)
    ceiling = base_s
    for _ in range(attempt - 1):
        if ceiling >= cap_s:  # caps before the next doubling: no overflow, and at most some dozens of rounds
            break
        ceiling *= 2
    return min(ceiling, cap_s)
