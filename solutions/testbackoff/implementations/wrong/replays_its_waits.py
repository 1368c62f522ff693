"""The waits of the first sources are kept for each attempt and given out again to every later source.

Incident: A client is made for each request. From the second one on, all of them waited exactly as long as the first.
Fails: 2
"""

_waits: dict[int, list[float]] = {}
_given: dict[int, int] = {}


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    ceiling = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
    share = random.random()
    kept = _waits.setdefault(attempt, [])
    turn = _given[attempt] = _given.get(attempt, -1) + 1
    if turn < 20:
        kept.append(share)
    return kept[turn % 20] * ceiling
