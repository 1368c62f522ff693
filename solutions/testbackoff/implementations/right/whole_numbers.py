"""Whole numbers stay whole, errors have a type and no text, and the draw is taken from the upper end.

Differs: it returns `30` for a cap of `30`, not `30.0`; its ValueError is a subclass without a message; it takes what it
    draws away from the ceiling.
"""

import math
from random import Random


class BadSettingError(ValueError):
    pass


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or math.isnan(base_s) or math.isnan(cap_s) or base_s <= 0 or cap_s < base_s or math.isinf(cap_s):
        raise BadSettingError
    if attempt > 70:
        return cap_s
    return min(base_s * (1 << (attempt - 1)), cap_s)


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    upper = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    return upper - random.random() * upper
