"""The wait is drawn from the cap's range, whatever the attempt is.

Incident: The first retry after a hiccup of a moment waits half a minute, and the customer has left.
Fails: 2
"""


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    upper = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    return random.random() * max(upper, cap_s)
