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
    UNDERSPENT,
    Busy,
    Operation,
    Refused,
    counted,
    now,
    retried,
    tell,
)
from grading import explain, settle
from grading.checks import ask, must_refuse
from grading.explain import difference

pytestmark = pytest.mark.step(5, "a retry budget")


def test_impossible_budgets_are_refused() -> None:
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
def test_budget_counts_its_tokens(cap: int, cost: int) -> None:
    """It starts full, takes cost or nothing, and holds at most cap."""
    chance = Random(cap * 1_000 + cost)
    budget = ask(RetryBudget, cap=cap, cost=cost, expected="a full budget")
    tokens, history, full = cap, [], 0
    # Long runs of one kind, so that both ends of the budget are reached and stayed at.
    for deposits in (False, True, False, True, True, False):
        for _ in range(2 * cap):
            if chance.random() < (0.9 if deposits else 0.1):
                ask(budget.deposit, expected="no exception")
                full += tokens == cap
                tokens = min(cap, tokens + 1)
                history.append("deposit")
                continue
            expected = tokens >= cost
            costs = UNDERSPENT if expected else OVERSPENT
            got = ask(budget.spend, expected=repr(expected))
            assert bool(got) is expected, explain(
                called=f"RetryBudget(cap={cap}, cost={cost}), after {len(history)} calls ({counted(history)}): spend()",
                got=got,
                expected=f"{expected}: the budget holds {tokens} of {cap} tokens, and a retry costs {cost}",
                note=f"{full} earlier deposits found a full budget, and must not add to it" if full and got else None,
                costs=costs,
            )
            tokens -= cost if expected else 0
            history.append("spend" if expected else "spend (refused)")


def test_two_budgets_are_two() -> None:
    """What one budget spends, another still has."""
    first = ask(RetryBudget, cap=2, cost=2, expected="a full budget")
    second = ask(RetryBudget, cap=2, cost=2, expected="a full budget")
    got = [bool(first.spend()), bool(second.spend()), bool(first.spend())]
    assert got == [True, True, False], explain(
        called="two RetryBudget(cap=2, cost=2): first.spend(), second.spend(), first.spend()",
        got=got,
        expected=[True, True, False],
        costs="one dependency that is down takes away the retries of all the others",
    )


class Log:
    """A budget that writes down what is asked of it."""

    def __init__(self, tokens: int = 1_000) -> None:
        self.tokens = tokens
        self.calls: list[str] = []
        self.spent_at: list[float] = []

    def spend(self) -> bool:
        self.calls.append("spend")
        self.spent_at.append(now())
        self.tokens -= 1
        return self.tokens >= 0

    def deposit(self) -> None:
        self.calls.append("deposit")


def paid_wrongly(got: list[str], expected: list[str]) -> str | None:
    """Say what it costs, by what was called too often or not at all."""
    if got.count("spend") > expected.count("spend"):
        return "tokens are spent on retries that are never made, and retries that would help are refused"
    if got.count("spend") < expected.count("spend") or got.count("deposit") > expected.count("deposit"):
        return OVERSPENT
    return UNDERSPENT if got.count("deposit") < expected.count("deposit") else None


@pytest.mark.parametrize(
    ("what", "errors", "settings", "expected"),
    [
        ("succeeds at once", [], {}, ["deposit"]),
        ("fails twice, then succeeds", [Busy(), Busy()], {}, ["spend", "spend", "deposit"]),
        ("always fails, attempts=3", [Busy], {"attempts": 3}, ["spend", "spend"]),
        ("always fails, attempts=1", [Busy], {"attempts": 1}, []),
        ("fails with a permanent error", [Refused()], {}, []),
        ("fails, then fails with a permanent error", [Busy(), Refused()], {}, ["spend"]),
        ("always fails, the deadline is past", [Busy], {"deadline_at": -1.0}, []),
    ],
)
async def test_each_retry_is_paid_and_each_success_pays_in(
    what: str, errors: list[Any], settings: dict[str, Any], expected: list[str]
) -> None:
    """One spend() per retry, one deposit() per success, and nothing for a retry that is not made."""
    log = Log()
    await retried(Operation(*errors), budget=log, **settings)
    assert log.calls == expected, explain(
        called=f"{tell(**({'attempts': 4} | settings))} with a budget, operation {what}",
        got=f"calls of the budget: {log.calls}",
        expected=f"calls of the budget: {expected}",
        diff=difference(log.calls, expected),
        costs=paid_wrongly(log.calls, expected),
    )


async def test_budget_that_is_false_is_a_budget() -> None:
    """Only None is no budget: an object with a length of 0 is false, and is asked all the same."""

    class Emptied(Log):
        def __len__(self) -> int:
            return 0

    log = Emptied()
    await retried(Operation(Busy()), budget=log)
    assert log.calls == ["spend", "deposit"], explain(
        called=f"{tell(attempts=4)} with a budget whose len() is 0, operation fails once, then succeeds",
        got=f"calls of the budget: {log.calls}",
        expected="calls of the budget: ['spend', 'deposit']; compare with None, since a budget may be false",
        costs="a budget that can tell its length is not asked any more once it is empty, which is when it is needed",
    )


def shown_s(times: list[float]) -> str:
    return " and ".join(f"{at:.3g} s" for at in times) or "no time"


async def test_retry_is_paid_before_its_wait() -> None:
    """spend() is called when the attempt has failed, not after the wait."""
    log, operation = Log(), Operation(Busy(), Busy())
    await retried(operation, budget=log, base_s=8.0)
    assert log.spent_at == operation.calls_at[:2], explain(
        called=f"{tell(attempts=4)} with a budget, operation fails twice at once",
        got=f"attempts failed at {shown_s(operation.calls_at[:2])}, spend() was called at {shown_s(log.spent_at)}",
        expected=f"spend() at {shown_s(operation.calls_at[:2])}: when the attempt has failed, before each wait",
        diff="a wait began, and spend() had not been called",
        costs="callers sit through a wait for a retry that is then refused",
    )


async def test_cancelled_wait_is_not_paid_back() -> None:
    """What was spent on a wait that is then cancelled is gone."""
    log = Log()
    task = asyncio.ensure_future(retried(Operation(Busy()), budget=log, base_s=1e6, cap_s=1e6))
    await settle()
    if task.done():
        task.result()  # what ended it before its wait is what the learner has to see
    task.cancel()
    await asyncio.wait([task], timeout=1_000)
    assert log.calls == ["spend"], explain(
        called=f"{tell(attempts=4)} with a budget, operation fails, task.cancel() during the wait",
        got=f"calls of the budget: {log.calls}",
        expected="calls of the budget: ['spend']; paid before the wait, and not paid back",
        note=None if log.calls else "the wait began, and spend() had not been called",
        costs="a deploy in an outage cancels every wait, and the fleet starts again with a full budget"
        if "deposit" in log.calls
        else None,
    )


async def test_empty_budget_ends_the_call() -> None:
    """A refusal gives up at once, with the error itself; the first attempt is free."""
    for tokens in (0, 1):
        error, log = Busy("last"), Log(tokens)
        operation = Operation(*[Busy("before")] * tokens, error)
        operation.most_calls = 3
        ended = await retried(operation, budget=log)
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


async def test_outage_is_amplified_by_no_more_than_the_budget() -> None:
    """All callers together make cap // cost retries in an outage."""
    budget = ask(RetryBudget, cap=50, cost=5, expected="a full budget")
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
