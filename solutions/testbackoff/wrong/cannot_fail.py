"""The test of the jitter asserts what is true of anything.

Incident: A merge left the function without a body; the suite was green, and every wait was None.
Fails: 3, 4
Says: functions that return None
"""

import math
import random as global_random
import time
from random import Random

import pytest

from exercises.backoff.backoff import ceiling_s, full_jitter_s

# --8<-- [start:ceiling]
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
    with pytest.raises(ValueError):  # noqa: PT011 - what the message says is the implementation's affair
        ceiling_s(attempt, base_s=base_s, cap_s=cap_s)


# --8<-- [end:ceiling]


def test_jitter_of_one_attempt() -> None:
    """A wait is not minus one."""
    for attempt in range(1, 20):
        assert full_jitter_s(attempt, base_s=0.5, cap_s=30.0, random=Random(attempt)) != -1
