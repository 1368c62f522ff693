"""The ceiling by logarithms, the jitter on a grid.

Differs: it doubles by way of logarithms, so its ceilings are right to a relative 1e-13 and not to the last bit; it
    draws a whole number of millionths of the ceiling.
"""

import math
from random import Random


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or not 0 < base_s < math.inf or not base_s <= cap_s < math.inf:
        raise ValueError
    exponent = min(attempt - 1, 100) * math.log(2.0) + math.log(base_s)
    return cap_s if exponent >= math.log(cap_s) else min(cap_s, math.exp(exponent))


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    return random.randint(0, 1_000_000) / 1_000_000 * ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
