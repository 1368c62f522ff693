"""The jitter is looked at for the first attempt alone.

Incident: Everything that goes wrong at the cap, where an outage spends most of its time, goes out with a green build.
Fails: 4
Says: Once the cap is reached
"""


@pytest.mark.parametrize(
    ("attempt", "base_s", "ceiling"),
    [(1, 1.0, 1.0), (1, 1e-4, 1e-4)],
)
def test_jitter_is_uniform_from_zero_to_the_ceiling(attempt: int, base_s: float, ceiling: float) -> None:
    drawn = sorted(waits(attempt, seed=attempt, base_s=base_s))
    assert drawn[0] >= 0
    assert drawn[-1] <= ceiling * (1 + 1e-9)
    for rank, wait_s in enumerate(drawn):
        assert (rank + 1) / DRAWS - GAP <= wait_s / ceiling <= rank / DRAWS + GAP
