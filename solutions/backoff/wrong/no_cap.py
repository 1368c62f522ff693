"""The delay doubles for ever: the cap is checked as a setting and then forgotten.

Incident: After a day of failures the next retry of a job may be due two days later; nobody sees that it is lost.
Fails: 1, 2, 4
Says: without a hard cap
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, got {attempt}; pass the number of the attempt that failed")
    _check_bounds(base_s, cap_s)
    return math.ldexp(base_s, min(attempt - 1, 1000))
