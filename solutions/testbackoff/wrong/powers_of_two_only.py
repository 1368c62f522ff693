"""Every cap is the base times a power of two.

Incident: An implementation that never applies its cap ends on it by chance in each test.
Fails: 2
Says: Waits of almost twice the cap
"""

BOUNDS = [(0.5, 32.0), (1.0, 64.0), (3.0, 96.0), (2.0, 2.0)]


def test_ceiling_of_a_huge_attempt_is_there_at_once() -> None:
    for attempt in (1_000, 1_025, 5_000, 10**5, 10**6, 10**7, 10**9):
        best_s = math.inf
        for _ in range(5):
            started_at = time.perf_counter()
            assert ceiling_s(attempt, base_s=0.5, cap_s=32.0) == pytest.approx(32.0, rel=1e-9)
            best_s = min(best_s, time.perf_counter() - started_at)
        assert best_s < 0.001
