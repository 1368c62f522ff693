"""A wait must be above zero and below the ceiling.

Incident: A correct jitter that may draw its ends, as the docstring allows, is red when it draws one, and its author is told to draw differently.
Fails: 3
Says: refuses it
"""


@pytest.mark.parametrize(
    ("attempt", "base_s", "ceiling"),
    [(1, 1.0, 1.0), (4, 1.0, 8.0), (7, 1.0, 60.0), (1, 1e-4, 1e-4)],
)
def test_jitter_is_uniform_from_zero_to_the_ceiling(attempt: int, base_s: float, ceiling: float) -> None:
    drawn = sorted(waits(attempt, seed=attempt, base_s=base_s))
    assert drawn[0] > 0
    assert drawn[-1] < ceiling
    for rank, wait_s in enumerate(drawn):
        assert (rank + 1) / DRAWS - GAP <= wait_s / ceiling <= rank / DRAWS + GAP
