"""The mean of a hundred waits must be within a ten-thousandth of the ceiling from the middle.

Incident: A seed that passes had to be searched for. A colleague who draws differently gets a red run and learns to press "retry".
Fails: 3
Says: refuses it
"""


@pytest.mark.parametrize(
    ("attempt", "base_s", "ceiling"),
    [(1, 1.0, 1.0), (2, 1.0, 2.0), (4, 1.0, 8.0), (7, 1.0, 60.0), (1_000_000, 1.0, 60.0), (1, 1e-4, 1e-4)],
)
def test_jitter_is_uniform_from_zero_to_the_ceiling(attempt: int, base_s: float, ceiling: float) -> None:
    drawn = sorted(waits(attempt, seed=attempt, base_s=base_s))
    some = waits(attempt, seed=attempt, count=100, base_s=base_s)
    assert abs(sum(some) / 100 - ceiling / 2) < 0.0001 * ceiling
    assert drawn[0] >= 0
    assert drawn[-1] <= ceiling * (1 + 1e-9)
    for rank, wait_s in enumerate(drawn):
        assert (rank + 1) / DRAWS - GAP <= wait_s / ceiling <= rank / DRAWS + GAP
