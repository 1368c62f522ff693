"""The test of the jitter asserts what is true of anything.

Incident: A merge left the function without a body; the suite was green, and every wait was None.
Fails: 3, 4
Says: functions that return None
"""

del (
    DRAWS,
    GAP,
    waits,
    test_jitter_is_uniform_from_zero_to_the_ceiling,
    test_jitter_is_drawn_from_the_source_it_is_given,
    test_jitter_refuses_what_the_ceiling_refuses,
)


def test_jitter_of_one_attempt() -> None:
    for attempt in range(1, 20):
        assert full_jitter_s(attempt, base_s=0.5, cap_s=30.0, random=Random(attempt)) != -1
