"""The jitter computes its own ceiling and checks nothing.

Incident: A setting of `nan` becomes a wait of `nan`, which asyncio (before Python 3.13) takes for none: the retry loop spins at full speed.
Fails: 2
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    return random.random() * min(cap_s, base_s * 2.0 ** min(attempt - 1, 1_000))
