"""Bad settings must raise something, whatever it is.

Incident: The checks are asserts and vanish under -O; the suite, which runs without it, stays green.
Fails: 2
Says: leaves out every assert
"""


@pytest.mark.parametrize(("attempt", "base_s", "cap_s"), BAD)
def test_ceiling_refuses_what_makes_no_sense(attempt: int, base_s: float, cap_s: float) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011
        ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
