"""The doubling stops one step before the cap and stays there.

Incident: The longest wait is half of what the capacity plan was made with: in an outage the dependency gets twice the retries that it was sized for.
Fails: 1
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or not 0 < base_s < math.inf or not base_s <= cap_s < math.inf:
        raise ValueError(f"attempt {attempt}, base {base_s}, cap {cap_s}")
    ceiling = base_s
    for _ in range(attempt - 1):
        if ceiling * 2 > cap_s:
            break
        ceiling *= 2
    return ceiling
