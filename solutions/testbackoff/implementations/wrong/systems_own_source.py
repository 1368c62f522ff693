"""The wait is drawn from the operating system's source, and the one that was passed in is ignored.

Incident: An outage in which the retries made it worse cannot be replayed: each run of the simulation draws other waits, whatever its seed.
Fails: 2
"""

import math
from random import Random, SystemRandom


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
    return SystemRandom().uniform(0.0, ceiling_s(attempt, base_s=base_s, cap_s=cap_s))
