"""The ceiling grows by the base each time instead of doubling.

Incident: In a long outage the retries never thin out: an hour in, each job still comes back every few seconds, and recovery takes as long as the outage.
Fails: 1
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or not 0 < base_s < math.inf or not base_s <= cap_s < math.inf:
        raise ValueError(f"attempt {attempt}, base {base_s}, cap {cap_s}")
    ceiling = base_s
    for _ in range(attempt - 1):
        if ceiling >= cap_s:
            break
        ceiling += base_s
    return min(ceiling, cap_s)
