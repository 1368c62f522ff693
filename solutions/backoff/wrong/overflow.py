"""The power is computed first and capped afterwards: `2.0 ** attempt` overflows at attempt 1,025.

Incident: A job that kept failing over a weekend raises OverflowError in the scheduler, which dies and takes all retries with it.
Fails: 1, 2
Says: OverflowError
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, got {attempt}; pass the number of the attempt that failed")
    _check_bounds(base_s, cap_s)
    return min(cap_s, base_s * 2.0 ** (attempt - 1))
