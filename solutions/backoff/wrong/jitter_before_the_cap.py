"""The jitter is drawn from the uncapped delay, and the result is capped.

Incident: Once the cap is reached, half and then nearly all clients wait exactly the cap: the herd is back.
Fails: 2, 4
Says: no wait below 60 s
"""


def _uncapped_s(attempt: int, base_s: float) -> float:
    return math.ldexp(base_s, min(attempt - 1, 100))


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    return min(cap_s, random.uniform(0.0, _uncapped_s(attempt, base_s)))
