"""The settings are checked at the first attempt alone, since they do not change.

Incident: A job that is taken over at its third attempt, by a worker whose cap is `nan`, waits for `nan`: its loop spins at full speed.
Fails: 1
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or (attempt == 1 and not 0 < base_s <= cap_s < math.inf):
        raise ValueError(f"attempt {attempt}, base {base_s}, cap {cap_s}")
    ceiling = base_s
    for _ in range(min(attempt - 1, 100)):
        if ceiling >= cap_s:
            break
        ceiling *= 2
    return min(ceiling, cap_s)
