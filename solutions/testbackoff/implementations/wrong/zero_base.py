"""A base of zero is accepted, and zero doubled is zero.

Incident: An empty setting is read as 0: no wait at all between attempts, and the retry loop becomes the outage.
Fails: 1
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or not 0 <= base_s < math.inf or not base_s <= cap_s < math.inf:
        raise ValueError(f"attempt {attempt}, base {base_s}, cap {cap_s}")
    ceiling = base_s
    for _ in range(attempt - 1):
        if ceiling >= cap_s or ceiling == 0:
            break
        ceiling *= 2
    return min(ceiling, cap_s)
