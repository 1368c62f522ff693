"""The wait is drawn from the random module's own source, not from the one passed in.

Incident: No failure can be replayed from its seed, and workers forked after the import draw the same waits and come back together.
Fails: 2, 4
Says: draw from `random`, the argument
"""

import random as _random


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    return _random.uniform(0.0, ceiling_s(attempt, base_s=base_s, cap_s=cap_s))
