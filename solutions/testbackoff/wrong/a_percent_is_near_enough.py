"""A ceiling may be off by a percent.

Incident: The docstring promises nine digits and the suite asks for two: a rounded constant gets in, and nobody can say since when.
Fails: 2
Says: a quarter of a percent
"""


@pytest.mark.parametrize(("base_s", "cap_s"), BOUNDS)
def test_ceiling_of_the_first_attempts(base_s: float, cap_s: float) -> None:
    for attempt in range(1, 70):
        got = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
        assert got == pytest.approx(min(cap_s, base_s * 2 ** (attempt - 1)), rel=0.01)
        assert got <= cap_s


def test_ceiling_of_a_huge_attempt_is_there_at_once() -> None:
    for attempt in (1_000, 1_025, 5_000, 10**5, 10**6, 10**7, 10**9):
        best_s = math.inf
        for _ in range(5):
            started_at = time.perf_counter()
            assert ceiling_s(attempt, base_s=0.5, cap_s=30.0) == pytest.approx(30.0, rel=0.01)
            best_s = min(best_s, time.perf_counter() - started_at)
        assert best_s < 0.001
