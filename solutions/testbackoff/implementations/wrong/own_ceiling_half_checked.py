"""The jitter computes its own ceiling and checks the attempt, but not the settings.

Incident: A base of 0 from an empty setting is a wait of 0: the jitter that was to spread the retries lets them all go at once.
Fails: 2
"""

import math
from random import Random


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or not 0 < base_s < math.inf or not base_s <= cap_s < math.inf:
        raise ValueError(f"attempt {attempt}, base {base_s}, cap {cap_s}")
    ceiling = base_s
    for _ in range(attempt - 1):
        if ceiling >= cap_s:
            break
        ceiling *= 2
    return min(ceiling, cap_s)


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    if attempt < 1:
        raise ValueError(f"attempt {attempt}")
    return random.random() * min(cap_s, base_s * 2.0 ** min(attempt - 1, 1_000))
