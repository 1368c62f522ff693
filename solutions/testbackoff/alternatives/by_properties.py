"""Another solution of `testbackoff`: no formula of its own, only what every ceiling and every jitter must keep to."""

import math
import os
import statistics
import time
from itertools import pairwise
from random import Random

import pytest

from exercises.backoff.backoff import ceiling_s, full_jitter_s


def ceilings(base_s: float, cap_s: float, count: int) -> list[float]:
    """Return the ceilings of the first attempts."""
    return [ceiling_s(attempt, base_s=base_s, cap_s=cap_s) for attempt in range(1, count + 1)]


def test_ceiling_of_the_first_attempts() -> None:
    """It begins with the base."""
    for base_s in (0.001, 0.3, 1.0, 20.0):
        assert math.isclose(ceiling_s(1, base_s=base_s, cap_s=100.0), base_s, rel_tol=1e-9)


def test_ceiling_doubles_while_it_is_below_the_cap_and_then_stays() -> None:
    """Each is twice the one before, or the cap."""
    for base_s, cap_s in ((0.3, 77.0), (1.0, 1024.0), (2.0, 2.0), (1e-9, 1e9)):
        found = ceilings(base_s, cap_s, 80)
        assert max(found) <= cap_s
        for before, after in pairwise(found):
            assert math.isclose(after, min(cap_s, 2 * before), rel_tol=1e-8)
        assert math.isclose(found[-1], cap_s, rel_tol=1e-9)


def test_ceiling_of_a_huge_attempt_is_there_at_once() -> None:
    """A hundred calls take less than a tenth of a second of processor time, at any size."""
    for digits in range(3, 10):
        started_at = time.process_time()
        for _ in range(100):
            assert math.isclose(ceiling_s(10**digits + 25, base_s=0.1, cap_s=9.0), 9.0, rel_tol=1e-9)
            assert time.process_time() - started_at < 0.1


@pytest.mark.parametrize("bad", [0, -1, 0.0, -0.5, math.nan, math.inf])
def test_ceiling_and_its_settings(bad: float) -> None:
    """What is no attempt, no base or no cap is refused."""
    if isinstance(bad, int):
        with pytest.raises(ValueError):  # noqa: PT011
            ceiling_s(bad, base_s=1.0, cap_s=2.0)
    for base_s, cap_s in ((bad, 2.0), (bad, math.inf), (1.0, bad), (1.0, 0.9)):
        with pytest.raises(ValueError):  # noqa: PT011
            ceiling_s(3, base_s=base_s, cap_s=cap_s)


def test_jitter_of_one_attempt() -> None:
    """Of 5,000 waits a twentieth lies in each twentieth of the ceiling, within seven standard deviations."""
    for attempt, base_s, ceiling in ((1, 0.5, 0.5), (3, 0.5, 2.0), (9, 0.5, 100.0), (40, 0.5, 100.0), (2, 1e-4, 2e-4)):
        source = Random(attempt)
        drawn = [full_jitter_s(attempt, base_s=base_s, cap_s=100.0, random=source) for _ in range(5_000)]
        assert all(0 <= wait_s <= ceiling * (1 + 1e-9) for wait_s in drawn)
        boxes = [0] * 20
        for wait_s in drawn:
            boxes[min(19, int(20 * wait_s / ceiling))] += 1
        deviation = math.sqrt(5_000 * 0.05 * 0.95)
        assert all(abs(count - 250) < 7 * deviation for count in boxes)
        assert abs(statistics.fmean(drawn) - ceiling / 2) < 0.05 * ceiling


def test_jitter_asks_its_own_source_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal sources give equal waits though the module's source is elsewhere, and each source its own."""

    def drawn(seed: int) -> list[float]:
        source = Random(seed)
        return [full_jitter_s(4, base_s=0.5, cap_s=100.0, random=source) for _ in range(10)]

    monkeypatch.setattr(os, "urandom", bytes)
    seeds = range(20)
    assert [drawn(seed) for seed in seeds] == [drawn(seed) for seed in seeds]
    assert len({tuple(drawn(seed)) for seed in seeds}) == len(seeds)


@pytest.mark.parametrize(
    ("attempt", "base_s", "cap_s"),
    [(0, 1.0, 2.0), (1, 0.0, 2.0), (1, math.nan, 2.0), (1, 1.0, 0.9), (1, 1.0, math.inf)],
)
def test_jitter_refuses_what_the_ceiling_refuses(attempt: int, base_s: float, cap_s: float) -> None:
    """No wait is drawn from a setting that makes no sense."""
    with pytest.raises(ValueError):  # noqa: PT011
        full_jitter_s(attempt, base_s=base_s, cap_s=cap_s, random=Random(1))
