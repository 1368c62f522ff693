"""Ceiling, jitter, classification, policy, loop and budget."""

import asyncio
import math
import random
import statistics
import time

import pytest

from jobqueue.domain import defaults
from jobqueue.domain.errors import PermanentError, TransientError
from jobqueue.domain.retry import RetryBudget, RetryPolicy, ceiling_s, full_jitter_s, is_transient, retry
from tests.jobqueue.fakes.virtual_time import VirtualClock


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


def test_a_budget_starts_full_is_spent_one_by_one_and_earned_by_successes():
    budget = RetryBudget(ratio=0.25, cap=2.0)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.deposit(3)
    assert not budget.spend()
    budget.deposit()
    assert budget.spend()
    budget.deposit(1000)
    assert budget.balance == 2.0


@pytest.mark.parametrize("successes", [3, 7, 10, 49, 93])
def test_a_budget_does_not_lose_a_retry_to_rounding(successes):
    """Ten successes at a ratio of 0.1 pay for a whole retry.

    Did: emptied budgets of ratio 1/n, paid in n successes one by one, and spent, a hundred times.
    Saw: each time one retry was paid for, and no second one.
    Otherwise: ten times the float 0.1 makes 0.9999…, and the retry is refused.
    """
    budget = RetryBudget(ratio=1 / successes, cap=1.0)
    for _ in range(100):
        assert (budget.spend(), budget.spend()) == (True, False)
        for _ in range(successes):
            budget.deposit()


@pytest.mark.parametrize(("ratio", "cap"), [(-0.1, 1.0), (0.1, 0.5), (math.nan, 1.0), (0.1, math.inf)])
def test_a_budget_that_makes_no_sense_is_refused(ratio, cap):
    with pytest.raises(ValueError, match="must be at least"):
        RetryBudget(ratio, cap)


def test_a_policy_checks_its_numbers_and_has_the_defaults():
    policy = RetryPolicy()
    assert (policy.max_attempts, policy.base_s, policy.cap_s) == (
        defaults.MAX_ATTEMPTS,
        defaults.BASE_S,
        defaults.CAP_S,
    )
    with pytest.raises(ValueError, match="max_attempts must be at least 1, got 0"):
        RetryPolicy(max_attempts=0)
    with pytest.raises(ValueError, match="base_s"):
        RetryPolicy(base_s=0.0)


class Flaky:
    """A call that fails with these errors, then succeeds."""

    def __init__(self, *errors):
        self.errors, self.calls = list(errors), 0

    async def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


async def tried(call, **options):
    clock = VirtualClock()
    options = {"policy": RetryPolicy(3, 1.0, 8.0), "rng": random.Random(1), **options}
    return await retry(call, now=clock.now, sleep=clock.sleep, **options)


async def test_a_call_that_succeeds_later_returns_its_answer_and_pays_into_the_budget():
    budget = RetryBudget(ratio=0.5, cap=10.0)
    assert await tried(Flaky(TransientError("a"), TimeoutError("b")), budget=budget) == "answer"
    assert budget.balance == 8.5


async def test_the_last_error_itself_is_raised_with_a_note_an_attempt():
    last = TransientError("three")
    with pytest.raises(TransientError) as caught:
        await tried(Flaky(TransientError("one"), TransientError("two"), last))
    assert caught.value is last
    assert last.__notes__ == [
        f"attempt {n}: TransientError({word!r})" for n, word in enumerate(["one", "two", "three"], 1)
    ]


async def test_a_permanent_error_is_not_tried_again_and_costs_no_budget():
    call, budget = Flaky(PermanentError("no")), RetryBudget(cap=5.0)
    with pytest.raises(PermanentError):
        await tried(call, budget=budget)
    assert (call.calls, budget.balance) == (1, 5.0)


async def test_a_delay_past_the_deadline_is_not_slept():
    call = Flaky(*[TransientError("x")] * 9)
    with pytest.raises(TransientError):
        await tried(call, deadline_at=VirtualClock.EPOCH, policy=RetryPolicy(9, 1.0, 8.0))
    assert (call.calls, asyncio.get_running_loop().time()) == (1, 0.0)


async def test_an_empty_budget_ends_the_retries():
    call, budget = Flaky(*[TransientError("x")] * 9), RetryBudget(ratio=0.0, cap=2.0)
    with pytest.raises(TransientError):
        await tried(call, budget=budget, policy=RetryPolicy(9, 1.0, 8.0))
    assert call.calls == 3


async def test_a_cancellation_passes_through_at_once():
    call = Flaky(asyncio.CancelledError(), "never")
    with pytest.raises(asyncio.CancelledError):
        await tried(call)
    assert call.calls == 1
