"""The wait is one of three sizes: none, half, all of the ceiling.

Incident: The herd splits in three, and each third is still a herd: three spikes instead of one.
Fails: 2
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    upper = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    return upper * random.choice((0.0, 0.5, 1.0))
