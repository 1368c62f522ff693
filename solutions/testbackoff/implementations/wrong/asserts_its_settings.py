"""The settings are checked with `assert`.

Incident: In production Python runs with -O, which leaves out every assert: a mistyped setting is found by the dependency.
Fails: 1
"""


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    assert attempt >= 1
    assert 0 < base_s < math.inf
    assert base_s <= cap_s < math.inf
    ceiling = base_s
    for _ in range(attempt - 1):
        if ceiling >= cap_s:
            break
        ceiling *= 2
    return min(ceiling, cap_s)
