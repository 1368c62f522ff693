"""A wait is only asked to lie between zero and the ceiling.

Incident: A jitter of a tenth either way passes, and the herd comes back nearly as one.
Fails: 4
Says: a little ragged
"""


@pytest.mark.parametrize(
    ("attempt", "base_s", "ceiling"),
    [(1, 1.0, 1.0), (2, 1.0, 2.0), (4, 1.0, 8.0), (7, 1.0, 60.0), (1_000_000, 1.0, 60.0), (1, 1e-4, 1e-4)],
)
def test_jitter_is_uniform_from_zero_to_the_ceiling(attempt: int, base_s: float, ceiling: float) -> None:
    drawn = sorted(waits(attempt, seed=attempt, base_s=base_s))
    assert drawn[0] >= 0
    assert drawn[-1] <= ceiling * (1 + 1e-9)
