"""The ceiling must be of type float.

Incident: Settings that are whole numbers are "broken" according to the tests, and somebody wraps every call in float().
Fails: 1
Says: not `30.0`
"""


@pytest.mark.parametrize(("base_s", "cap_s"), BOUNDS)
def test_ceiling_of_the_first_attempts(base_s: float, cap_s: float) -> None:
    for attempt in range(1, 70):
        got = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
        assert got == pytest.approx(min(cap_s, base_s * 2 ** (attempt - 1)), rel=1e-9)
        assert got <= cap_s
        assert isinstance(ceiling_s(9, base_s=1, cap_s=30), float)
