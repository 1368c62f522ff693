"""The text of the error is compared.

Incident: A better wording of an error breaks the build, so the wording stays.
Fails: 1
Says: without a message
"""


@pytest.mark.parametrize(("attempt", "base_s", "cap_s"), BAD)
def test_ceiling_refuses_what_makes_no_sense(attempt: int, base_s: float, cap_s: float) -> None:
    with pytest.raises(ValueError, match="."):
        ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
