"""Waits are whole milliseconds.

Incident: A cache that answers in a tenth of a millisecond is retried with no pause at all, and by all clients in one instant.
Fails: 2
Says: base_s=0.0001
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    return random.randint(0, int(ceiling_s(attempt, base_s=base_s, cap_s=cap_s) * 1_000)) / 1_000
