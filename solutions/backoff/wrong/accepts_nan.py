"""The bounds are checked by comparing for what is bad, which `nan` never is.

Incident: A setting computed as 0/0 becomes `nan`; before Python 3.13 asyncio sleeps for no time at all, and the retry loop spins.
Fails: 1, 4
Says: base_s must be finite
"""


def _check_bounds(base_s: float, cap_s: float) -> None:
    if base_s <= 0 or base_s == math.inf:
        raise ValueError(f"base_s must be above 0 and finite, got {base_s}; it is the first ceiling, in seconds")
    if cap_s < base_s or cap_s == math.inf:
        raise ValueError(f"cap_s must be at least base_s ({base_s}) and finite, got {cap_s}")
