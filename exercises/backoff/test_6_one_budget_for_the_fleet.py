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
from exercises.backoff.given import OVERSPENT, UNDERSPENT, Busy, Operation, counted, retried, tell
from grading import explain, for_seeds
from grading.checks import must_refuse

if TYPE_CHECKING:
    from grading.network import Network

pytestmark = pytest.mark.step(6, "one budget for the fleet", stretch=True)


async def clients_of(network: Network, workers: int) -> list[Any]:
    return [await network.client(f"worker {number}") for number in range(1, workers + 1)]


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
    """Return one SharedRetryBudget per worker, each with its own client and in what stands for a process."""
    clients = await clients_of(network, workers)
    return [
        budget(client, "{backoff}:budget", cap=cap, cost=cost)
        for budget, client in zip(processes(workers), clients, strict=True)
    ]


async def spends(network: Network, worker: int, budget: SharedRetryBudget, tries: int) -> int:
    """Call spend() so many times, one after the other, and count what was granted."""
    return sum([bool(await network.call(f"worker {worker}", budget.spend())) for _ in range(tries)])


async def deposits(network: Network, worker: int, budget: SharedRetryBudget) -> None:
    """Call deposit()."""
    await network.call(f"worker {worker}", budget.deposit())


async def granted_to(network: Network, budgets: list[SharedRetryBudget], tries: int) -> int:
    """Let workers 1, 2, … call spend() at the same time, and count what was granted."""
    calls = (spends(network, number, budget, tries) for number, budget in enumerate(budgets, 1))
    return sum(await asyncio.gather(*calls))


WATCH_TOO = "redis-py raises WatchError for a connection that breaks while watching, too: start again, don't refuse"


async def test_shared_budget_counts_its_tokens(network: Network) -> None:
    """With one call at a time it is the budget of step 5, whichever worker asks."""
    for cap, cost in ((10, 1), (12, 5), (1, 1)):
        trial = await network.fresh()
        budgets = await fleet(trial, 2, cap=cap, cost=cost)
        chance, tokens, history = Random(cap), cap, []
        for many_deposits in (True, False, True, False, True):
            for _ in range(cap + 2):
                worker = chance.choice((1, 2))
                if chance.random() < (0.9 if many_deposits else 0.1):
                    await deposits(trial, worker, budgets[worker - 1])
                    tokens = min(cap, tokens + 1)
                    history.append("deposit")
                    continue
                expected = tokens >= cost
                got = await trial.call(f"worker {worker}", budgets[worker - 1].spend())
                assert bool(got) is expected, explain(
                    called=f"two workers' SharedRetryBudget(cap={cap}, cost={cost}), one call after the other: "
                    f"{counted(history)}, then spend()",
                    got=got,
                    expected=f"{expected}: the budget holds {tokens} of {cap} tokens, and a retry costs {cost}",
                    costs=UNDERSPENT if expected else OVERSPENT,
                )
                tokens -= cost if expected else 0
                history.append("spend" if expected else "spend (refused)")


async def test_refusal_takes_nothing(network: Network) -> None:
    """What a refused spend() found is still there: one deposit later it is enough."""
    budget, other = await fleet(network, 2, cap=3, cost=2)
    got = [bool(await spends(network, 1, budget, 1)), bool(await spends(network, 1, budget, 1))]
    await deposits(network, 2, other)
    got.append(bool(await spends(network, 2, other, 1)))
    assert got == [True, False, True], explain(
        called="SharedRetryBudget(cap=3, cost=2): spend(), spend(), deposit(), spend()",
        got=got,
        expected="[True, False, True]: the refused one left the 1 token that was there, and the deposit made it 2",
        costs=UNDERSPENT,
    )


async def test_budget_is_its_key_and_nothing_else(network: Network) -> None:
    """Another key is another budget, everything is stored under the key, and time refills nothing."""
    keys = ("{backoff}:mail", "{backoff}:cards")
    first, second = (SharedRetryBudget(network.redis, key, cap=2, cost=2) for key in keys)
    got = [bool(await network.call("redis", budget.spend())) for budget in (first, second, first, second)]
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
        expected="keys that begin with the budget's key",
        diff=f"should not be there: {', '.join(strangers) or 'a budget that is stored nowhere'}",
        costs="two services share a budget without knowing" if strangers else None,
    )
    await asyncio.sleep(3_000)
    again = bool(await network.call("redis", first.spend()))
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
    again = bool(await network.call("redis", first.spend()))
    assert again is False, explain(
        called="SharedRetryBudget(cap=2, cost=2), empty; every key that has a time to live expires: spend()",
        got=again,
        expected="False: nothing was deposited",
        costs="one day into an outage, or after a quiet night, the fleet gets a full budget that nobody paid in",
    )


def test_impossible_shared_budgets_are_refused() -> None:
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
    small = await network.fresh()
    granted = await granted_to(small, await fleet(small, 2, cap=2, cost=2), 1)
    assert granted <= 1, explain(
        called="two workers' SharedRetryBudget(cap=2, cost=2), new; each calls spend() once, at the same time",
        got=f"{granted} granted",
        expected="at most 1 granted",
        costs=OVERSPENT,
    )
    cap, cost = 4, 2
    budgets = await fleet(network, 3, cap=cap, cost=cost)
    granted = await granted_to(network, budgets, 2)
    called = (
        f"three workers' SharedRetryBudget(cap={cap}, cost={cost}), new; each calls spend() twice, at the same time"
    )
    assert granted <= cap // cost, explain(
        called=called, got=f"{granted} granted", expected=f"at most {cap // cost} granted", costs=OVERSPENT
    )
    network.events.clear()
    afterwards = await spends(network, 1, budgets[0], cap)
    assert granted + afterwards == cap // cost, explain(
        called=f"{called}; then worker 1 calls spend() {cap} times",
        got=f"{granted + afterwards} granted: {granted} in the race, {afterwards} afterwards",
        expected=f"{cap // cost} granted in all",
        costs=OVERSPENT if granted + afterwards > cap // cost else UNDERSPENT,
    )
    network.events.clear()
    for _ in range(cost):
        await deposits(network, 2, budgets[1])
    refilled = await spends(network, 3, budgets[2], 2)
    assert refilled == 1, explain(
        called=f"{called}; when nothing is left, worker 2 calls deposit() {cost} times, then worker 3 spend() twice",
        got=f"{refilled} granted",
        expected=f"1 granted: {cost} deposits pay for one retry",
        costs=OVERSPENT if refilled > 1 else UNDERSPENT,
    )


@for_seeds(5)
async def test_first_workers_agree_on_one_full_budget(network: Network) -> None:
    """Where nothing is stored yet, workers that start together fill the budget once."""
    workers = list(zip(processes(3), await clients_of(network, 3), strict=True))
    for number in range(12):
        network.events.clear()
        budgets = [budget(client, f"{{backoff}}:budget {number}", cap=1, cost=1) for budget, client in workers]
        granted = await granted_to(network, budgets, 1)
        assert granted <= 1, explain(
            called="three workers' SharedRetryBudget(cap=1, cost=1), new; each calls spend() once, at the same time",
            got=f"{granted} granted",
            expected="at most 1 granted",
            costs="each worker that starts up in the outage gives the whole fleet a full budget again",
        )


@for_seeds(8)
async def test_racing_deposits_count_and_stop_at_the_cap(network: Network) -> None:
    """Deposits far below the cap all count; near the cap they never pass it."""
    cap = 4
    budgets = await fleet(network, 3, cap=cap, cost=1)
    await spends(network, 1, budgets[0], cap)
    network.events.clear()
    await asyncio.gather(*(deposits(network, number, budget) for number, budget in enumerate(budgets, 1)))
    got = await spends(network, 1, budgets[0], cap)
    assert got == 3, explain(
        called=f"SharedRetryBudget(cap={cap}, cost=1), empty: three workers call deposit() at the same time, "
        f"then worker 1 calls spend() {cap} times",
        got=f"{got} granted",
        expected="3 granted",
        costs=UNDERSPENT if got < 3 else OVERSPENT,
    )
    for _ in range(cap - 1):
        await budgets[0].deposit()
    network.events.clear()
    await asyncio.gather(*(deposits(network, number, budget) for number, budget in enumerate(budgets, 1)))
    got = await spends(network, 1, budgets[0], cap + 1)
    assert cap - 1 <= got <= cap, explain(
        called=f"SharedRetryBudget(cap={cap}, cost=1), one token below full; three workers call deposit() at once; "
        f"then worker 1 calls spend() {cap + 1} times",
        got=f"{got} granted",
        expected=f"at most {cap} granted, and at least {cap - 1}",
        costs="a quiet night saves up retries without a limit, and the next outage gets them all at once"
        if got > cap
        else UNDERSPENT,
    )


@for_seeds(10)
async def test_spending_and_depositing_at_once_never_overspends(network: Network) -> None:
    """Granted retries x cost never pass cap plus the deposits begun, at a full budget too."""
    cap, cost = 2, 1
    workers = list(zip(processes(4), await clients_of(network, 4), strict=True))

    async def spend_later(worker: int, budget: SharedRetryBudget, after_s: float) -> int:
        await asyncio.sleep(after_s)
        return await spends(network, worker, budget, 1)

    for number, after_s in enumerate((0, 0.001, 0.002, 0.002, 0.003, 0.003, 0.004)):
        key = f"{{backoff}}:budget {number}"
        depositor, *spenders = [budget(client, key, cap=cap, cost=cost) for budget, client in workers]
        network.events.clear()
        deposit = asyncio.ensure_future(deposits(network, 1, depositor))
        granted = sum(await asyncio.gather(*(spend_later(n, one, after_s) for n, one in enumerate(spenders, 2))))
        await deposit
        granted += await spends(network, 1, depositor, cap)
        assert granted * cost <= cap + 1, explain(
            called=f"SharedRetryBudget(cap={cap}, cost={cost}), full; one worker calls deposit() once, "
            f"three call spend(), at the same time; then worker 1 calls spend() {cap} times",
            got=f"{granted} granted",
            expected=f"at most {cap + 1}: the cap and one deposit",
            costs=OVERSPENT,
        )


@pytest.mark.parametrize("effect", ["never_arrived", "reply_lost", "delivered_late"])
async def test_broken_connection_grants_nothing_for_free(network: Network, effect: Any) -> None:
    """A call that the network breaks raises, or answers as usual, and never pays out more than was there."""
    cap, cost = 4, 2
    async for trial in network.every_point(effect):
        budget = (await fleet(trial, 1, cap=cap, cost=cost))[0]
        outcome = await trial.attempt(budget.spend())
        granted = int(outcome.error is None and bool(outcome.value))
        trial.heal()
        other = SharedRetryBudget(await trial.client("worker 2"), "{backoff}:budget", cap=cap, cost=cost)
        called = f"SharedRetryBudget(cap={cap}, cost={cost}), full: worker 1 calls spend(); {trial.broke}"
        watching = any(event.command[:1] == (b"WATCH",) for event in trial.events)
        assert outcome.error is not None or outcome.value, explain(
            called=called,
            got=f"{outcome.value!r}, as if the budget were empty",
            expected="the client's error, or True after another try",
            note=WATCH_TOO if watching else None,
            costs="the log says that the retries are used up, and hides that Redis cannot be reached",
        )
        in_time = await spends(trial, 2, other, cap)
        assert granted + in_time <= cap // cost, explain(
            called=f"{called}; then worker 2 calls spend() {cap} times",
            got=f"{granted + in_time} granted: {granted} to worker 1, {in_time} to worker 2",
            expected=f"at most {cap // cost} granted",
            costs="the budget gives way exactly when the network does, which is when it is needed",
        )


async def test_broken_deposit_is_told(network: Network) -> None:
    """A deposit that did not arrive raises, or is made again."""
    async for trial in network.every_point("never_arrived", client="worker 2"):
        budget = SharedRetryBudget(trial.redis, "{backoff}:budget", cap=1, cost=1)
        await budget.spend()
        trial.events.clear()
        depositor = SharedRetryBudget(await trial.client("worker 2"), "{backoff}:budget", cap=1, cost=1)
        outcome = await trial.attempt(depositor.deposit())
        trial.heal()
        granted = int(bool(await trial.call("redis", budget.spend())))
        assert outcome.error is not None or granted == 1, explain(
            called=f"SharedRetryBudget(cap=1, cost=1), empty: worker 2 calls deposit(); {trial.broke}",
            got="no error, and no token in the budget",
            expected="the client's error, or a token in the budget",
            costs="deposits are lost in silence while Redis is away, and the next transient error gets no retry",
        )


async def test_client_that_retries_pays_for_nothing(network: Network) -> None:
    """With redis-py's own retries on, a command whose reply is lost runs twice, and no retry is paid for by that."""
    cap, cost = 4, 3
    for call in ("spend", "refused spend", "deposit"):
        async for trial in network.every_point("reply_lost", retries=3, client="worker 1"):
            other = SharedRetryBudget(await trial.client("worker 2"), "{backoff}:budget", cap=cap, cost=cost)
            granted = await spends(trial, 2, other, 1 if call == "refused spend" else 0)
            budget = (await fleet(trial, 1, cap=cap, cost=cost))[0]
            outcome = await trial.attempt(budget.deposit() if call == "deposit" else budget.spend())
            granted += int(call != "deposit" and outcome.error is None and bool(outcome.value))
            trial.heal()
            granted += await spends(trial, 2, other, 3)
            assert granted <= 1, explain(
                called=f"SharedRetryBudget(cap={cap}, cost={cost}): {call}() on a client with its retries on; the "
                f"reply is lost ({trial.broke}), so redis-py sends again; another worker calls spend()",
                got=f"{granted} granted",
                expected="at most 1 granted: 4 tokens pay for one retry",
                costs=OVERSPENT,
            )


async def test_tasks_of_one_worker_share_the_object(network: Network) -> None:
    """Several tasks of one worker call one object at the same time, and each gets its answer."""
    budget = SharedRetryBudget(network.redis, "{backoff}:budget", cap=3, cost=1)
    called = "SharedRetryBudget(cap=3, cost=1): five tasks of one worker call spend() on one object, at the same time"
    answers = await asyncio.gather(*(budget.spend() for _ in range(5)), return_exceptions=True)
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    if any(isinstance(error, NotImplementedError) for error in errors):
        raise errors[0]
    granted = sum(bool(answer) for answer in answers if not isinstance(answer, BaseException))
    granted += await spends(network, 1, budget, 3) if not errors else 0
    assert not errors and granted == 3, explain(
        called=called, got=errors[0] if errors else f"{granted} granted, with 3 further calls", expected="3 granted"
    )


async def test_budget_that_vanished_is_full(network: Network) -> None:
    """When Redis has lost its data, the budget of a worker that lives is full, like a new one."""
    budget, other = await fleet(network, 2, cap=2, cost=1)
    before = await spends(network, 1, budget, 3) + await spends(network, 2, other, 1)
    await network.raw().flushall()
    got = [before, await spends(network, 1, budget, 1) + await spends(network, 2, other, 3)]
    assert got == [2, 2], explain(
        called="two workers' SharedRetryBudget(cap=2, cost=1): four spend(), FLUSHALL by an operator, four spend()",
        got=f"{got[0]} granted, then {got[1]}",
        expected="2 granted, then 2",
        costs=UNDERSPENT if got[1] < 2 else OVERSPENT,
    )


class Futures:
    """A budget for one retry, whose methods return futures."""

    def __init__(self) -> None:
        self.left = 1

    def spend(self) -> asyncio.Future[bool]:
        granted = self.left > 0
        self.left -= granted
        return self.answer(granted)

    def deposit(self) -> asyncio.Future[None]:
        self.left += 1
        return self.answer(None)

    @staticmethod
    def answer(value: Any) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, future.set_result, value)
        return future


@pytest.mark.parametrize("kind", ["SharedRetryBudget", "a budget whose methods return a future"])
async def test_retry_awaits_its_budget(network: Network, kind: str) -> None:
    """retry() takes a budget whose methods have to be awaited: it grants as much as there is, and successes pay in."""
    budget: Any = Futures()
    if kind == "SharedRetryBudget":
        budget = SharedRetryBudget(network.redis, "{backoff}:budget", cap=1, cost=1)
    counts = []
    for operation in (Operation(Busy), Operation(value="done"), Operation(Busy("once")), Operation(Busy)):
        await retried(operation, attempts=4, budget=budget)
        counts.append(len(operation.calls_at))
    assert counts == [2, 1, 2, 2], explain(
        called=f"{tell(attempts=4)} with {kind} for one retry; operations: one always fails, one succeeds, one fails "
        "once, one always fails; calls of each",
        got=counts,
        expected=[2, 1, 2, 2],
        costs=OVERSPENT if sum(counts) > 7 else UNDERSPENT,
    )
