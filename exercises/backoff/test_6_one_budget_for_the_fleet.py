"""Step 6: one budget for the fleet."""

# ruff: noqa: PT018 - one message may stand for two facts

from __future__ import annotations

import asyncio
import sys
import types
from importlib.machinery import SourceFileLoader
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from exercises.backoff import backoff
from exercises.backoff.backoff import SharedRetryBudget
from exercises.backoff.given import OVERSPENT, UNDERSPENT, must_refuse
from grading import explain, for_seeds

if TYPE_CHECKING:
    from grading.network import Network

pytestmark = pytest.mark.step(6, "one budget for the fleet", stretch=True)


async def clients_of(network: Network, workers: int) -> list[Any]:
    return [network.redis, *[await network.client(f"worker {number}") for number in range(2, workers + 1)]]


def processes(workers: int) -> list[type[SharedRetryBudget]]:
    """Import the learner's file once for each worker: processes share Redis, and no lock and no dict of a module."""
    found = []
    for number in range(workers):
        loader = SourceFileLoader(f"{backoff.__name__}_of_worker_{number + 1}", str(backoff.__file__))
        module = types.ModuleType(loader.name)
        module.__file__ = loader.path
        sys.modules[loader.name] = module
        try:
            loader.exec_module(module)
        finally:
            del sys.modules[loader.name]
        found.append(module.SharedRetryBudget)
    return found


async def fleet(network: Network, workers: int, *, cap: int, cost: int) -> list[SharedRetryBudget]:
    """Return one SharedRetryBudget per worker, each on a client of its own and in what stands for a process."""
    clients = await clients_of(network, workers)
    return [
        budget(client, "{backoff}:budget", cap=cap, cost=cost)
        for budget, client in zip(processes(workers), clients, strict=True)
    ]


async def spends(budget: SharedRetryBudget, tries: int) -> int:
    """Call spend() so many times, one after the other, and count what was granted."""
    return sum([bool(await budget.spend()) for _ in range(tries)])


async def test_shared_purse_counts_like_a_purse(network: Network) -> None:
    """With one call at a time it is the purse of step 5, whoever of the fleet asks."""
    for cap, cost in ((10, 1), (12, 5), (1, 1)):
        trial = await network.fresh()
        purses = await fleet(trial, 2, cap=cap, cost=cost)
        chance, tokens, history = Random(cap), cap, []
        for deposits in (True, False, True, False, True):
            for _ in range(cap + 2):
                purse = chance.choice(purses)
                if chance.random() < (0.9 if deposits else 0.1):
                    await purse.deposit()
                    tokens = min(cap, tokens + 1)
                    history.append("deposit")
                    continue
                expected = tokens >= cost
                got = await purse.spend()
                assert bool(got) is expected, explain(
                    called=f"two workers' SharedRetryBudget(cap={cap}, cost={cost}), one call after the other: "
                    f"{', '.join(history[-12:]) or 'nothing before'}, then spend()",
                    got=got,
                    expected=f"{expected}: {tokens} tokens are left",
                    costs=UNDERSPENT if expected else OVERSPENT,
                )
                tokens -= cost if expected else 0
                history.append("spend" if expected else "spend (refused)")


async def test_refusal_takes_nothing(network: Network) -> None:
    """What a refused spend() found is still there: one deposit later it is enough."""
    purse, other = await fleet(network, 2, cap=3, cost=2)
    got = [bool(await purse.spend()), bool(await purse.spend())]
    await other.deposit()
    got.append(bool(await other.spend()))
    assert got == [True, False, True], explain(
        called="SharedRetryBudget(cap=3, cost=2): spend(), spend(), deposit(), spend()",
        got=got,
        expected="[True, False, True]: the refused one left the 1 token that was there, and the deposit made it 2",
        costs=UNDERSPENT,
    )


async def test_purse_is_its_key_and_nothing_else(network: Network) -> None:
    """Another key is another purse, everything is stored under the key, and time refills nothing."""
    keys = ("{backoff}:mail", "{backoff}:cards")
    first, second = (SharedRetryBudget(network.redis, key, cap=2, cost=2) for key in keys)
    got = [bool(await purse.spend()) for purse in (first, second, first, second)]
    assert got == [True, True, False, False], explain(
        called=f"SharedRetryBudget(cap=2, cost=2) for {keys[0]!r} and {keys[1]!r}; spend() of one, other, one, other",
        got=got,
        expected=[True, True, False, False],
        costs="one dependency that is down takes away the retries of all the others",
    )
    stored = [key.decode() for key in await network.raw().keys("*")]
    strangers = [key for key in stored if not key.startswith(keys)]
    assert stored and not strangers, explain(
        called=f"SharedRetryBudget(cap=2, cost=2) for {keys[0]!r} and {keys[1]!r}; spend() of both",
        got=f"keys {stored}",
        expected="keys that begin with the purse's key",
        costs="on a cluster the purse falls apart over two servers, and two services share one without knowing",
    )
    await asyncio.sleep(3_000)
    again = bool(await first.spend())
    assert again is False, explain(
        called="SharedRetryBudget(cap=2, cost=2), empty; 50 minutes later: spend()",
        got=again,
        expected="False: nothing was deposited",
        costs="a long outage gets a new load of retries each time the key expires",
    )
    raw = network.raw()
    for key in await raw.keys("*"):
        if await raw.ttl(key) >= 0:
            await raw.delete(key)
    again = bool(await first.spend())
    assert again is False, explain(
        called="SharedRetryBudget(cap=2, cost=2), empty; every key that has a time to live expires: spend()",
        got=again,
        expected="False: nothing was deposited",
        costs="one day into an outage, or after a quiet night, the fleet gets a full budget that nobody paid in",
    )


def test_impossible_shared_purses_are_refused() -> None:
    """cost is at least 1 and cap at least cost, here too."""
    for cap, cost in ((5, 0), (4, 5)):
        must_refuse(
            SharedRetryBudget,
            None,
            "{backoff}:budget",
            cap=cap,
            cost=cost,
            why="cost must be at least 1 and cap at least cost",
            costs="a budget that never pays, or never runs out, is noticed in the outage it was meant for",
        )


@for_seeds(8)
async def test_racing_workers_never_overspend(network: Network) -> None:
    """Granted retries x cost never pass cap plus deposits, and nothing that was not spent is lost."""
    cap, cost = 4, 2
    purses = await fleet(network, 3, cap=cap, cost=cost)
    granted = sum(await asyncio.gather(*(spends(purse, 2) for purse in purses)))
    called = f"three workers' SharedRetryBudget(cap={cap}, cost={cost}), new; each calls spend() twice, all at once"
    assert granted <= cap // cost, explain(
        called=called, got=f"{granted} granted", expected=f"at most {cap // cost} granted", costs=OVERSPENT
    )
    afterwards = await spends(purses[0], cap)
    assert granted + afterwards == cap // cost, explain(
        called=f"{called}; then one worker calls spend() {cap} times",
        got=f"{granted} granted in the race, {afterwards} afterwards",
        expected=f"{cap // cost} in all",
        costs=OVERSPENT if granted + afterwards > cap // cost else UNDERSPENT,
    )
    for _ in range(cost):
        await purses[1].deposit()
    refilled = await spends(purses[2], 2)
    assert refilled == 1, explain(
        called=f"{called}; when nothing is left, {cost} deposits, then spend() twice",
        got=f"{refilled} granted",
        expected="1 granted",
        costs=OVERSPENT
        if refilled > 1
        else "refusals dig a hole that successes have to fill first: no retries for minutes",
    )


@for_seeds(5)
async def test_first_workers_agree_on_one_full_purse(network: Network) -> None:
    """Where nothing is stored yet, workers that start together fill the purse once."""
    workers = list(zip(processes(3), await clients_of(network, 3), strict=True))
    for number in range(12):
        purses = [budget(client, f"{{backoff}}:budget {number}", cap=1, cost=1) for budget, client in workers]
        granted = sum(await asyncio.gather(*(spends(purse, 1) for purse in purses)))
        assert granted <= 1, explain(
            called="three workers' SharedRetryBudget(cap=1, cost=1), new; each calls spend() once, all at once",
            got=f"{granted} granted",
            expected="at most 1 granted",
            costs="each worker that starts up in the outage hands the whole fleet a full budget again",
        )


@for_seeds(8)
async def test_racing_deposits_count_and_stop_at_the_cap(network: Network) -> None:
    """Deposits far below the cap all count; near the cap they never pass it."""
    cap = 4
    purses = await fleet(network, 3, cap=cap, cost=1)
    await spends(purses[0], cap)
    await asyncio.gather(*(purse.deposit() for purse in purses))
    got = await spends(purses[0], cap)
    assert got == 3, explain(
        called=f"cap={cap}, cost=1, an empty purse; three workers deposit() at once, then spend() {cap} times",
        got=f"{got} granted",
        expected="3 granted",
        costs=UNDERSPENT if got < 3 else OVERSPENT,
    )
    for _ in range(cap - 1):
        await purses[0].deposit()
    await asyncio.gather(*(purse.deposit() for purse in purses))
    got = await spends(purses[0], cap + 1)
    assert cap - 1 <= got <= cap, explain(
        called=f"SharedRetryBudget(cap={cap}, cost=1), one below full; three workers call deposit() at once; "
        f"then spend() {cap + 1} times",
        got=f"{got} granted",
        expected=f"at most {cap} granted, and at least {cap - 1}",
        costs="a quiet night saves up retries without a limit, and the next outage gets them all at once",
    )


@for_seeds(10)
async def test_spending_and_depositing_at_once_never_overspends(network: Network) -> None:
    """Granted retries x cost never pass cap plus the deposits begun, at a full purse too."""
    cap, cost = 2, 1
    workers = list(zip(processes(4), await clients_of(network, 4), strict=True))

    async def spend_later(purse: SharedRetryBudget, after_s: float) -> int:
        await asyncio.sleep(after_s)
        return await spends(purse, 1)

    for number, after_s in enumerate((0, 0.001, 0.002, 0.002, 0.003, 0.003, 0.004)):
        key = f"{{backoff}}:budget {number}"
        depositor, *spenders = [budget(client, key, cap=cap, cost=cost) for budget, client in workers]
        deposit = asyncio.ensure_future(depositor.deposit())
        granted = sum(await asyncio.gather(*(spend_later(purse, after_s) for purse in spenders)))
        await deposit
        granted += await spends(depositor, cap)
        assert granted * cost <= cap + 1, explain(
            called=f"SharedRetryBudget(cap={cap}, cost={cost}), full; one worker calls deposit() once, "
            f"three call spend(), all at once; then spend() {cap} times",
            got=f"{granted} granted",
            expected=f"at most {cap + 1}: the cap and one deposit",
            costs=OVERSPENT,
        )


@pytest.mark.parametrize("effect", ["never_arrived", "reply_lost"])
async def test_broken_connection_grants_nothing_for_free(network: Network, effect: Any) -> None:
    """A call that the network breaks raises, or answers as usual, and never pays out more than was there."""
    cap, cost = 4, 2
    async for trial in network.every_point(effect):
        purse = (await fleet(trial, 1, cap=cap, cost=cost))[0]
        outcome = await trial.attempt(purse.spend())
        granted = int(outcome.error is None and bool(outcome.value))
        trial.heal()
        other = SharedRetryBudget(await trial.client("other"), "{backoff}:budget", cap=cap, cost=cost)
        granted += await spends(other, cap)
        called = (
            f"SharedRetryBudget(cap={cap}, cost={cost}): spend(), broken at point {trial.point} ({effect}); "
            f"then another worker calls spend() {cap} times"
        )
        assert granted <= cap // cost, explain(
            called=called,
            got=f"{granted} granted",
            expected=f"at most {cap // cost} granted",
            costs="the budget gives way exactly when the network does, which is when it is needed",
        )
        assert outcome.error is not None or outcome.value, explain(
            called=f"SharedRetryBudget(cap={cap}, cost={cost}), full: spend(), "
            f"broken at point {trial.point} ({effect})",
            got=f"{outcome.value!r}, as if the purse were empty",
            expected="the client's error, or True after another try",
            costs="nobody is told that the budget cannot be reached: the log says that retries are used up",
        )


async def test_broken_deposit_is_told(network: Network) -> None:
    """A deposit that did not arrive raises, or is made again."""
    async for trial in network.every_point("never_arrived", client="depositor"):
        purse = SharedRetryBudget(trial.redis, "{backoff}:budget", cap=1, cost=1)
        await purse.spend()
        depositor = SharedRetryBudget(await trial.client("depositor"), "{backoff}:budget", cap=1, cost=1)
        outcome = await trial.attempt(depositor.deposit())
        trial.heal()
        granted = await spends(purse, 1)
        assert outcome.error is not None or granted == 1, explain(
            called=f"SharedRetryBudget(cap=1, cost=1), empty: deposit(), broken at point {trial.point}",
            got="no error, and no token in the purse",
            expected="the client's error, or a token in the purse",
            costs="deposits are lost in silence while Redis is away, and the first fault after it gets no retry",
        )
