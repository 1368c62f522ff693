"""Of the waits only the mean is looked at.

Incident: Waits of nothing or everything have the right mean, and the herd comes back in halves.
Fails: 4
Says: three spikes instead of one
"""


@pytest.mark.parametrize(
    ("attempt", "base_s", "ceiling"),
    [(1, 1.0, 1.0), (2, 1.0, 2.0), (4, 1.0, 8.0), (7, 1.0, 60.0), (1_000_000, 1.0, 60.0), (1, 1e-4, 1e-4)],
)
def test_jitter_is_uniform_from_zero_to_the_ceiling(attempt: int, base_s: float, ceiling: float) -> None:
    drawn = sorted(waits(attempt, seed=attempt, base_s=base_s))
    assert drawn[0] >= 0
    assert drawn[-1] <= ceiling * (1 + 1e-9)
    assert abs(sum(drawn) / DRAWS - ceiling / 2) < 0.05 * ceiling
