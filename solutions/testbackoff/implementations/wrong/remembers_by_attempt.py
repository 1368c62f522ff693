"""Ceilings are kept by the number of the attempt, whatever the settings were.

Incident: The payments client asked first, with a cap of 100 seconds. The mail client, whose cap is 5, waited up to 100, too.
Fails: 1
"""

_known: dict[int, float] = {}


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or not 0 < base_s <= cap_s < math.inf:
        raise ValueError(f"attempt {attempt}, base {base_s}, cap {cap_s}")
    if attempt not in _known:
        ceiling = base_s
        for _ in range(min(attempt - 1, 100)):
            if ceiling >= cap_s:
                break
            ceiling *= 2
        _known[attempt] = min(ceiling, cap_s)
    return _known[attempt]
