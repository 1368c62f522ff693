"""Step 5: a retry budget."""

# ruff: noqa: PT018 - one message may stand for two facts

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from exercises.backoff.backoff import RetryBudget
from exercises.backoff.given import (
    OVERSPENT,
    PERMANENT_RETRIED,
    UNDERSPENT,
    Busy,
    Operation,
    Refused,
    ask,
    must_refuse,
    now,
    retried,
    tell,
)
from grading import explain, settle

pytestmark = pytest.mark.step(5, "a retry budget")


def test_impossible_purses_are_refused() -> None:
    """cost is at least 1 and cap at least cost."""
    for cap, cost in ((5, 0), (5, -1), (4, 5), (0, 1), (-5, 1)):
        must_refuse(
            RetryBudget,
            cap=cap,
            cost=cost,
            why="cost must be at least 1 and cap at least cost",
            costs="a budget that never pays, or never runs out, is noticed in the outage it was meant for",
        )


@pytest.mark.parametrize(("cap", "cost"), [(10, 1), (10, 5), (12, 5), (1, 1), (7, 7), (100, 10)])
def test_purse_counts_like_a_purse(cap: int, cost: int) -> None:
    """It starts full, takes cost or nothing, and holds at most cap."""
    chance = Random(cap * 1_000 + cost)
    budget = ask(RetryBudget, cap=cap, cost=cost, expected="a full purse", costs="no retry is ever paid for")
    tokens, history = cap, []
    # Long runs of one kind, so that both ends of the purse are reached and stayed at.
    for deposits in (False, True, False, True, True, False):
        for _ in range(2 * cap):
            if chance.random() < (0.9 if deposits else 0.1):
                ask(budget.deposit, expected="None", costs=UNDERSPENT)
                tokens = min(cap, tokens + 1)
                history.append("deposit")
                continue
            expected = tokens >= cost
            costs = UNDERSPENT if expected else OVERSPENT
            got = ask(budget.spend, expected=repr(expected), costs=costs)
            assert bool(got) is expected, explain(
                called=f"RetryBudget(cap={cap}, cost={cost}), after {len(history)} calls "
                f"({', '.join(history[-12:]) or 'none'}): spend()",
                got=got,
                expected=f"{expected}: {tokens} tokens are left",
                costs=costs,
            )
            tokens -= cost if expected else 0
            history.append("spend" if expected else "spend (refused)")


def test_two_purses_are_two() -> None:
    """What one purse spends, another does not miss."""
    first = ask(RetryBudget, cap=2, cost=2, expected="a full purse", costs=UNDERSPENT)
    second = ask(RetryBudget, cap=2, cost=2, expected="a full purse", costs=UNDERSPENT)
    got = [bool(first.spend()), bool(second.spend()), bool(first.spend())]
    assert got == [True, True, False], explain(
        called="two RetryBudget(cap=2, cost=2): first.spend(), second.spend(), first.spend()",
        got=got,
        expected=[True, True, False],
        costs="one dependency that is down takes away the retries of all the others",
    )


class Purse:
    """A budget that writes down what is asked of it."""

    def __init__(self, tokens: int = 1_000) -> None:
        self.tokens = tokens
        self.log: list[str] = []
        self.spent_at: list[float] = []

    def spend(self) -> bool:
        self.log.append("spend")
        self.spent_at.append(now())
        self.tokens -= 1
        return self.tokens >= 0

    def deposit(self) -> None:
        self.log.append("deposit")


@pytest.mark.parametrize(
    ("what", "errors", "settings", "expected", "costs"),
    [
        ("succeeds at once", [], {}, ["deposit"], UNDERSPENT),
        ("fails twice, then succeeds", [Busy(), Busy()], {}, ["spend", "spend", "deposit"], OVERSPENT),
        ("always fails, attempts=3", [Busy], {"attempts": 3}, ["spend", "spend"], OVERSPENT),
        ("always fails, attempts=1", [Busy], {"attempts": 1}, [], UNDERSPENT),
        ("fails with a permanent error", [Refused()], {}, [], PERMANENT_RETRIED),
        ("fails, then fails with a permanent error", [Busy(), Refused()], {}, ["spend"], PERMANENT_RETRIED),
        ("always fails, the deadline is past", [Busy], {"deadline_at": -1.0}, [], UNDERSPENT),
    ],
)
async def test_each_retry_is_paid_and_each_success_pays_in(
    what: str, errors: list[Any], settings: dict[str, Any], expected: list[str], costs: str
) -> None:
    """One spend() per retry, one deposit() per success, and nothing for a retry that is not made."""
    purse = Purse()
    await retried(Operation(*errors), budget=purse, **settings)
    assert purse.log == expected, explain(
        called=f"{tell(**({'attempts': 4} | settings))} with a budget, operation {what}",
        got=f"calls of the budget: {purse.log}",
        expected=f"calls of the budget: {expected}",
        costs=costs,
    )


async def test_budget_that_is_false_is_a_budget() -> None:
    """Only None is no budget: an object with a length of 0 is false, and is asked all the same."""

    class Emptied(Purse):
        def __len__(self) -> int:
            return 0

    purse = Emptied()
    await retried(Operation(Busy()), budget=purse)
    assert purse.log == ["spend", "deposit"], explain(
        called=f"{tell(attempts=4)} with a budget whose len() is 0, operation fails once, then succeeds",
        got=f"calls of the budget: {purse.log}",
        expected="calls of the budget: ['spend', 'deposit']; compare with None, since a budget may be false",
        costs="a budget that can tell its length is not asked any more once it is empty, which is when it is needed",
    )


async def test_cancelled_wait_is_not_paid_back() -> None:
    """What was spent on a wait that is then cancelled is gone."""
    purse = Purse()
    task = asyncio.ensure_future(retried(Operation(Busy()), budget=purse, base_s=1e6, cap_s=1e6))
    await settle()
    if task.done():
        task.result()  # what ended it before its wait is what the learner has to see
    task.cancel()
    await asyncio.wait([task], timeout=1_000)
    assert purse.log == ["spend"], explain(
        called=f"{tell(attempts=4)} with a budget, operation fails, task.cancel() during the wait",
        got=f"calls of the budget: {purse.log}",
        expected="calls of the budget: ['spend']; one deposit is for one attempt that succeeded",
        costs="a deploy in an outage cancels every wait, and the fleet starts again with a full budget",
    )


async def test_retry_is_paid_before_its_wait() -> None:
    """spend() is called when the attempt has failed, not after the wait."""
    purse, operation = Purse(), Operation(Busy(), Busy())
    await retried(operation, budget=purse, base_s=8.0)
    assert purse.spent_at == operation.calls_at[:2], explain(
        called=f"{tell(attempts=4)} with a budget, operation fails twice at once",
        got=f"spend() at {purse.spent_at}, attempts at {operation.calls_at}",
        expected=f"spend() at {operation.calls_at[:2]}, before each wait",
        costs="callers are held up by a wait for a retry that is then refused",
    )


async def test_empty_purse_ends_the_call() -> None:
    """A refusal gives up at once, with the error itself; the first attempt is free."""
    for tokens in (0, 1):
        error, purse = Busy("last"), Purse(tokens)
        operation = Operation(*[Busy("before")] * tokens, error)
        operation.most_calls = 3
        ended = await retried(operation, budget=purse)
        called = f"{tell(attempts=4)} with a budget for {tokens} retries, operation always fails with a transient error"
        assert len(operation.calls_at) == 1 + tokens and ended.error is error, explain(
            called=called,
            got=f"{ended} after {len(operation.calls_at)} calls",
            expected=f"raised {error!r} itself after {1 + tokens} calls",
            costs=OVERSPENT,
        )
        assert ended.at == operation.calls_at[-1] and len(getattr(error, "__notes__", [])) == 1 + tokens, explain(
            called=called,
            got=f"notes {getattr(error, '__notes__', [])}, {ended.at - operation.calls_at[-1]:.3g} s later",
            expected=f"{1 + tokens} notes, at once",
            costs="the log hides that the budget, and not the attempts, ran out",
        )


async def test_outage_is_amplified_by_no_more_than_the_purse() -> None:
    """All callers together make cap // cost retries in an outage."""
    budget = ask(RetryBudget, cap=50, cost=5, expected="a full purse", costs=OVERSPENT)
    operations = [Operation(Busy) for _ in range(100)]
    await asyncio.gather(
        *(retried(one, attempts=5, budget=budget, random=Random(seed)) for seed, one in enumerate(operations))
    )
    got = sum(len(operation.calls_at) for operation in operations)
    assert got == 110, explain(
        called="100 calls of retry(operation, attempts=5, budget=RetryBudget(cap=50, cost=5), …) at once, all fail",
        got=f"{got} attempts",
        expected="110 attempts: 100 first ones and 50 // 5 retries",
        costs=OVERSPENT,
    )
