"""The jitter computes its own ceiling and checks nothing.

Incident: A setting of `nan` becomes a wait of `nan`, which asyncio (before Python 3.13) takes for none: the retry loop spins at full speed.
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
    return random.random() * min(cap_s, base_s * 2.0 ** min(attempt - 1, 1_000))
