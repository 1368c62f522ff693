"""The wait is drawn from the lower half of the range.

Incident: Clients come back twice as early as the plan says: the dependency gets the load of the attempt before.
Fails: 2
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    upper = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    return random.uniform(0.0, upper / 2)
