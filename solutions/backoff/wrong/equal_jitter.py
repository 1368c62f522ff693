"""Half of the ceiling is fixed and only the other half is drawn ("equal jitter").

Incident: Nobody retries in the first half of the wait and everybody in the second: the herd is half as wide and twice as dense.
Fails: 2, 4
Says: no wait below
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    half = ceiling_s(attempt, base_s=base_s, cap_s=cap_s) / 2
    return half + random.uniform(0.0, half)
