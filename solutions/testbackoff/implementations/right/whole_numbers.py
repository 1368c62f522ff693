"""Whole numbers stay whole, errors have a type and no text, and the draw is taken from the upper end.

Differs: it returns `30`, not `30.0`, wherever a ceiling is a whole number; its ValueError is a subclass without a
    message; it takes what it draws, a whole number of thousandths from 0 to 1,000, away from the ceiling.
"""

import math
from random import Random


class BadSettingError(ValueError):
    pass


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1 or math.isnan(base_s) or math.isnan(cap_s) or base_s <= 0 or cap_s < base_s or math.isinf(cap_s):
        raise BadSettingError
    ceiling = min(base_s * (1 << min(attempt - 1, 70)), cap_s)
    return int(ceiling) if ceiling == int(ceiling) else ceiling


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    upper = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    return upper - random.randint(0, 1_000) / 1_000 * upper
