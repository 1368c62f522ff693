"""The ceiling remembered in a table, the jitter from two draws.

Differs: it draws twice for each wait, a coarse part and a fine one; another attempt, or another order of calls, gives
    other waits than a single draw would.
"""

import math
from random import Random


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    for value in (base_s, cap_s):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not finite")
    if attempt < 1:
        raise ValueError(f"attempts count from 1, not from {attempt}")
    if base_s <= 0 or base_s > cap_s:
        raise ValueError(f"base {base_s} and cap {cap_s} do not fit")
    table = [base_s]
    while table[-1] < cap_s and len(table) < attempt:
        table.append(min(cap_s, table[-1] + table[-1]))
    return table[-1]


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    upper = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    coarse, fine = random.randrange(1_000), random.random()
    return upper * (coarse + fine) / 1_000
