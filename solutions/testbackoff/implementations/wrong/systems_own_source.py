"""The wait is drawn from the operating system's source, and the one that was passed in is ignored.

Incident: An outage in which the retries made it worse cannot be replayed: each run of the simulation draws other waits, whatever its seed.
Fails: 2
"""

from random import SystemRandom


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    return SystemRandom().uniform(0.0, ceiling_s(attempt, base_s=base_s, cap_s=cap_s))
