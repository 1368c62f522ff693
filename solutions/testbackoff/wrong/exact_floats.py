"""The ceiling is compared with `==`, to the last bit.

Incident: A rewrite that is as right as the old code goes red in the fourteenth digit and is given up.
Fails: 1
Says: right to a relative 1e-13
"""


@pytest.mark.parametrize(("base_s", "cap_s"), BOUNDS)
def test_ceiling_of_the_first_attempts(base_s: float, cap_s: float) -> None:
    for attempt in range(1, 70):
        got = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
        assert got == min(cap_s, base_s * 2 ** (attempt - 1))
        assert got <= cap_s
