"""The test computes the ceiling itself and compares it with itself.

Incident: The suite stayed green when the body of the function was deleted in a merge.
Fails: 1, 2
Says: functions that return None
"""

del BOUNDS, test_ceiling_of_a_huge_attempt_is_there_at_once, test_ceiling_refuses_what_makes_no_sense


def test_ceiling_of_the_first_attempts() -> None:
    for attempt in range(1, 70):
        wanted = min(30.0, 0.5 * 2 ** (attempt - 1))
        assert wanted == pytest.approx(min(30.0, 0.5 * 2 ** (attempt - 1)))
