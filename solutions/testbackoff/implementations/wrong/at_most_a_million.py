"""The base is doubled twenty times at the most, since 2 ** 20 is a million and more than any cap.

Incident: A base of a millisecond never gets to its cap of an hour: after a night of failures each job still comes back every 17 minutes.
Fails: 1
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or not 0 < base_s < math.inf or not base_s <= cap_s < math.inf:
        raise ValueError(f"attempt {attempt}, base {base_s}, cap {cap_s}")
    return min(cap_s, base_s * 2 ** min(attempt - 1, 20))
