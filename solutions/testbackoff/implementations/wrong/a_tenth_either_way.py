"""The wait is the ceiling, give or take a tenth.

Incident: The herd comes back a little ragged and all the same: nine tenths of every wait nobody asks for anything, and then everybody does.
Fails: 2
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    upper = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    return upper * (0.9 + 0.1 * random.random())
