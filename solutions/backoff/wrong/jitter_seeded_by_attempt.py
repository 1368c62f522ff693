"""Each wait is drawn from a fresh source seeded with the attempt number.

Incident: All workers wait exactly as long as each other: jitter that everybody shares is no jitter.
Fails: 2, 4
Says: no wait
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    return Random(attempt).uniform(0.0, ceiling_s(attempt, base_s=base_s, cap_s=cap_s))
