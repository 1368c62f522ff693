"""Bad settings must raise something, whatever it is.

Incident: The checks are asserts and vanish under -O; the suite, which runs without it, stays green.
Fails: 2
Says: leaves out every assert
"""

import math
import random as global_random
import time
from random import Random

import pytest

from exercises.backoff.backoff import ceiling_s, full_jitter_s

BOUNDS = [(0.5, 30.0), (1.0, 64.0), (3.0, 100.0), (2.0, 2.0), (1e-9, 1e9)]


@pytest.mark.parametrize(("base_s", "cap_s"), BOUNDS)
def test_ceiling_of_the_first_attempts(base_s: float, cap_s: float) -> None:
    """It doubles from the base and stops at the cap, to a relative 1e-9, never above."""
    for attempt in range(1, 70):
        got = ceiling_s(attempt, base_s=base_s, cap_s=cap_s)
        assert got == pytest.approx(min(cap_s, base_s * 2 ** (attempt - 1)), rel=1e-9)
        assert got <= cap_s


def test_ceiling_of_a_huge_attempt_is_there_at_once() -> None:
    """No attempt overflows, and none takes a millisecond; upwards, so that a slow way is caught while it still ends."""
    for attempt in (1_000, 1_025, 5_000, 10**5, 10**6, 10**7, 10**9):
        best_s = math.inf
        for _ in range(5):
            started_at = time.perf_counter()
            assert ceiling_s(attempt, base_s=0.5, cap_s=30.0) == pytest.approx(30.0, rel=1e-9)
            best_s = min(best_s, time.perf_counter() - started_at)
        assert best_s < 0.001


BAD = [
    (0, 0.5, 30.0),
    (-3, 0.5, 30.0),
    (1, 0.0, 30.0),
    (1, -1.0, 30.0),
    (1, math.nan, 30.0),
    (1, math.inf, math.inf),
    (1, 0.5, 0.4),
    (1, 0.5, math.nan),
    (1, 0.5, math.inf),
    (5, 0.5, math.inf),
]


@pytest.mark.parametrize(("attempt", "base_s", "cap_s"), BAD)
def test_ceiling_refuses_what_makes_no_sense(attempt: int, base_s: float, cap_s: float) -> None:
    """Attempts count from 1, the base is above 0, the cap at least the base, and all of it is finite."""
    with pytest.raises(Exception):  # noqa: B017, PT011
        ceiling_s(attempt, base_s=base_s, cap_s=cap_s)


DRAWS = 4_000
# The largest gap between 4,000 uniform draws and the uniform distribution is above GAP once in 10**9 seeds (the
# inequality of Dvoretzky, Kiefer and Wolfowitz); a thousandth is left for a grid that somebody draws on.
GAP = math.sqrt(math.log(2e9) / (2 * DRAWS)) + 0.001


def waits(attempt: int, seed: int, count: int = DRAWS, base_s: float = 1.0) -> list[float]:
    """Draw the waits after one attempt from a source of its own."""
    source = Random(seed)
    return [full_jitter_s(attempt, base_s=base_s, cap_s=60.0, random=source) for _ in range(count)]


@pytest.mark.parametrize(
    ("attempt", "base_s", "ceiling"),
    [(1, 1.0, 1.0), (4, 1.0, 8.0), (7, 1.0, 60.0), (1, 1e-4, 1e-4)],
)
def test_jitter_is_uniform_from_zero_to_the_ceiling(attempt: int, base_s: float, ceiling: float) -> None:
    """The share of waits below any point is the point's share of the ceiling."""
    drawn = sorted(waits(attempt, seed=attempt, base_s=base_s))
    assert drawn[0] >= 0
    assert drawn[-1] <= ceiling * (1 + 1e-9)
    for rank, wait_s in enumerate(drawn):
        assert (rank + 1) / DRAWS - GAP <= wait_s / ceiling <= rank / DRAWS + GAP


def test_jitter_is_drawn_from_the_source_it_is_given() -> None:
    """The same seed gives the same waits, another seed others, and the module's own source is not touched."""
    before = global_random.getstate()
    first, again, other = waits(3, 7, 20), waits(3, 7, 20), waits(3, 8, 20)
    assert first == again
    assert first != other
    assert global_random.getstate() == before


@pytest.mark.parametrize(("attempt", "base_s", "cap_s"), BAD)
def test_jitter_refuses_what_the_ceiling_refuses(attempt: int, base_s: float, cap_s: float) -> None:
    """A setting that makes no sense is no wait at all."""
    with pytest.raises(ValueError):  # noqa: PT011 - what the message says is the implementation's affair
        full_jitter_s(attempt, base_s=base_s, cap_s=cap_s, random=Random(1))
