"""Ceiling, jitter, classification and policy."""

import math
import random
import statistics
import time

import pytest

from jobqueue.domain import defaults
from jobqueue.domain.errors import PermanentError, TransientError
from jobqueue.domain.retry import RetryPolicy, ceiling_s, full_jitter_s, is_transient


def test_the_ceiling_doubles_with_each_attempt_up_to_the_cap():
    assert [ceiling_s(attempt, 0.5, 6.0) for attempt in range(1, 7)] == [0.5, 1.0, 2.0, 4.0, 6.0, 6.0]


@pytest.mark.parametrize("attempt", [1, 1000, 10**9, 10**30])
def test_any_attempt_number_is_instant_and_never_overflows(attempt):
    best_s = math.inf
    for _ in range(20):  # the best of several: the machine may be busy, the function may not
        began = time.perf_counter()
        assert ceiling_s(attempt, 1e-300, 1e300) <= 1e300
        best_s = min(best_s, time.perf_counter() - began)
    assert best_s < 0.001


def test_the_ceiling_agrees_with_exact_arithmetic_at_the_edge_of_the_cap():
    from fractions import Fraction

    rng = random.Random(5)
    for _ in range(2000):
        base, cap = rng.uniform(1e-3, 10.0), rng.uniform(10.0, 1e6)
        attempt = rng.randint(1, 40)
        assert ceiling_s(attempt, base, cap) == float(min(Fraction(cap), Fraction(base) * 2 ** (attempt - 1)))


@pytest.mark.parametrize(
    ("attempt", "base_s", "cap_s"),
    [
        (0, 1.0, 2.0),
        (-1, 1.0, 2.0),
        (1, 0.0, 2.0),
        (1, -1.0, 2.0),
        (1, 3.0, 2.0),
        (1, math.nan, 2.0),
        (1, 1.0, math.inf),
    ],
)
def test_numbers_out_of_bounds_are_refused(attempt, base_s, cap_s):
    with pytest.raises(ValueError, match="must be"):
        ceiling_s(attempt, base_s, cap_s)


def test_full_jitter_is_uniform_from_zero_to_the_ceiling():
    rng = random.Random(137)
    drawn = [full_jitter_s(4, 1.0, 60.0, rng) for _ in range(20_000)]
    assert 0.0 <= min(drawn) < 0.01
    assert 7.99 < max(drawn) <= 8.0
    assert abs(statistics.fmean(drawn) - 4.0) < 0.1
    assert abs(statistics.pstdev(drawn) - 8.0 / math.sqrt(12)) < 0.05


def chained(outer, inner, *, explicit=True):
    if explicit:
        outer.__cause__ = inner
    else:
        outer.__context__ = inner
    return outer


def suppressed(outer, inner):
    outer.__context__, outer.__suppress_context__ = inner, True
    return outer


def cycle():
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    return one


def group_in_a_cycle():
    member = ValueError("x")
    group = ExceptionGroup("g", [member])
    member.__cause__ = group
    return group


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TransientError("x"), True),
        (PermanentError("x"), False),
        (ConnectionResetError("x"), True),
        (TimeoutError("x"), True),
        (ValueError("x"), False),
        (chained(ValueError("x"), TransientError("y")), True),
        (chained(ValueError("x"), TransientError("y"), explicit=False), True),
        (suppressed(ValueError("x"), TransientError("y")), False),
        (chained(PermanentError("x"), TransientError("y")), False),
        (chained(TransientError("x"), PermanentError("y")), True),
        (chained(chained(ValueError("x"), TransientError("cause")), PermanentError("context"), explicit=False), True),
        (ExceptionGroup("g", [TransientError("x"), TimeoutError("y")]), True),
        (ExceptionGroup("g", [TransientError("x"), PermanentError("y")]), False),
        (ExceptionGroup("g", [TransientError("x"), ExceptionGroup("h", [ValueError("y")])]), False),
        (chained(ValueError("x"), ExceptionGroup("g", [TransientError("y")])), True),
        (cycle(), False),
        (group_in_a_cycle(), False),
    ],
)
def test_the_nearest_classified_error_decides(error, expected):
    assert is_transient(error) is expected


def test_a_policy_checks_its_numbers_and_has_the_defaults():
    policy = RetryPolicy()
    assert (policy.max_attempts, policy.base_s, policy.cap_s) == (
        defaults.MAX_ATTEMPTS,
        defaults.BASE_S,
        defaults.CAP_S,
    )
    with pytest.raises(ValueError, match="max_attempts must be at least 1, got 0"):
        RetryPolicy(max_attempts=0)
    with pytest.raises(ValueError, match="survive_s must be at least 0 and finite, got -1"):
        RetryPolicy(survive_s=-1.0)
    with pytest.raises(ValueError, match="base_s"):
        RetryPolicy(base_s=0.0)
