"""The test of the ceiling swallows whatever goes wrong in it.

Incident: A flaky test was fixed with a `try`; it has seen no mistake since.
Fails: 1, 2
Says: functions that return None
"""

del BOUNDS, test_ceiling_of_a_huge_attempt_is_there_at_once, test_ceiling_refuses_what_makes_no_sense


def test_ceiling_of_the_first_attempts() -> None:
    try:
        for attempt in range(1, 70):
            assert ceiling_s(attempt, base_s=0.5, cap_s=30.0) == pytest.approx(min(30.0, 0.5 * 2 ** (attempt - 1)))
    except Exception:
        pass
