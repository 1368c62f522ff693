"""The draw is squared, so short waits are more likely than long ones.

Incident: Half of all clients come back within the first quarter of the wait: the spike is smaller than without jitter and still knocks the dependency over.
Fails: 2
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    upper = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    return upper * random.random() ** 2
