"""The jitter computes its own ceiling and checks the attempt, but not the settings.

Incident: A base of 0 from an empty setting is a wait of 0: the jitter that was to spread the retries lets them all go at once.
Fails: 2
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    if attempt < 1:
        raise ValueError(f"attempt {attempt}")
    return random.random() * min(cap_s, base_s * 2.0 ** min(attempt - 1, 1_000))
