"""The draw goes a twentieth above the ceiling.

Incident: One attempt in twenty ends after the deadline that was computed from the ceilings, and is thrown away by its caller.
Fails: 2
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    upper = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    return random.uniform(0.0, upper * 1.05)
