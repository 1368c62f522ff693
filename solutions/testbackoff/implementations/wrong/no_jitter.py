"""The wait is the ceiling itself.

Incident: All clients that failed together come back together, to the millisecond, until the dependency is taken out of rotation.
Fails: 2
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    return ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
