"""What the lesson of Day 137 claims about retries, budgets and dead letters, shown by running it."""

import asyncio
import math
import sqlite3
import time
from random import Random

import pytest

from grading import clock
from grading.network import Network
from jobqueue.domain import defaults
from solutions.backoff.backoff import RetryBudget, SharedRetryBudget, ceiling_s, full_jitter_s, is_transient, retry
from solutions.simulations.backoff import herd, outage_amplification
from solutions.simulations.slo import SERVICE, Slo, simulate, slo_numbers
from tests.course.lessons.wrong_programs import wrong

BOUNDS = {"base_s": 0.5, "cap_s": 60.0}

looks_then_takes = wrong("solutions/backoff/wrong/looks_then_takes.py")


# Capped doubling


# --8<-- [start:overflow]
def test_uncapped_doubling_overflows_and_capped_doubling_does_not():
    """Capping after the power is too late.

    Did: computed 0.5 * 2.0 ** 1024, then the capped ceiling for attempts 1,025 and 10**9.
    Saw: OverflowError from the first; 60.0 from both others, in under a millisecond.
    Otherwise: min(cap, base * 2.0 ** n) would be a safe way to write it.
    """
    with pytest.raises(OverflowError):
        min(60.0, 0.5 * 2.0**1024)

    for attempt in (1_025, 10**9):
        best_s = math.inf
        for _ in range(5):
            started_at = time.perf_counter()
            assert ceiling_s(attempt, **BOUNDS) == 60.0
            best_s = min(best_s, time.perf_counter() - started_at)
        assert best_s < 0.001


# --8<-- [end:overflow]


def test_integer_power_does_not_overflow_but_grows_without_bound():
    """An exact power takes memory in proportion to the attempt.

    Did: looked at the size of 2 ** n for n of a thousand and of a million.
    Saw: 0.1 kB and 0.1 MB: a thousand times as much, so 10**9 would take over 100 MB.
    Otherwise: the size would not follow the exponent.
    """
    small, large = (2**1_000).bit_length() / 8, (2**1_000_000).bit_length() / 8
    assert small < 130
    assert 900 < large / small < 1_100
    assert large * 1_000 > 100e6


def test_first_ceiling_is_the_base_and_the_last_is_the_cap():
    """Attempts count from 1, so the first wait is bounded by the base itself.

    Did: listed the ceilings of attempts 1 to 9 for base 0.5 s and cap 60 s.
    Saw: 0.5, 1, 2, 4, 8, 16, 32, 60, 60.
    Otherwise: the list would begin with 1, or go on to 64.
    """
    assert [ceiling_s(n, **BOUNDS) for n in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


# Full jitter


# --8<-- [start:herd]
def test_full_jitter_flattens_the_herd():
    """Without jitter a herd comes back as a herd, every time.

    Did: let 400 clients that failed together retry against a dependency that serves 50 a second (seed 1).
    Saw: without jitter 16,200 attempts, 395 of them in one tenth of a second, 1,215 s until all were served; with full
        jitter 1,601 attempts, at most 62 in a tenth of a second, 20.3 s.
    Otherwise: the two would be alike, since both wait on the same ceilings.
    """
    plain, jittered = herd(jitter="none"), herd(jitter="full")
    assert (plain.attempts, plain.peak, round(plain.finished_s)) == (16_200, 395, 1_215)
    assert (jittered.attempts, jittered.peak, round(jittered.finished_s, 1)) == (1_601, 62, 20.3)


# --8<-- [end:herd]


def test_equal_jitter_leaves_a_denser_herd_than_full_jitter():
    """A fixed half of the wait is a half in which nobody comes.

    Did: ran the same herd with equal and with full jitter under 20 seeds.
    Saw: under equal jitter the fullest tenth of a second after the start held more attempts, under every seed.
    Otherwise: full jitter would have been the denser one under some seeds.
    """
    for seed in range(1, 21):
        assert herd(jitter="equal", seed=seed).peak > herd(jitter="full", seed=seed).peak


def test_wait_is_drawn_from_the_source_that_is_passed_in():
    """The same seed gives the same waits.

    Did: drew ten waits twice with seed 7 and once with seed 8.
    Saw: the first two lists are equal, the third differs.
    Otherwise: waits drawn from another source would differ each time.
    """
    first, second, other = (
        [full_jitter_s(n, random=Random(seed), **BOUNDS) for n in range(1, 11)] for seed in (7, 7, 8)
    )
    assert first == second
    assert first != other


# Classification


class DriverError(Exception):
    """An error of a driver, which wraps what the network raised."""


def test_nearest_classified_error_decides():
    """What is wrapped counts, unless something nearer is classified.

    Did: classified a DriverError raised from a TimeoutError, and a ValueError raised from a TimeoutError.
    Saw: transient for the first (nothing nearer is known), permanent for the second (ValueError is nearer).
    Otherwise: looking at the outermost error alone, or at the root alone, would give the same answer to both.
    """
    assert is_transient(raised(DriverError(), TimeoutError()))
    assert not is_transient(raised(ValueError(), TimeoutError()))


def test_suppressed_context_is_not_followed():
    """`raise … from None` cuts the chain for the classification too.

    Did: raised a DriverError while a TimeoutError was being handled, once plainly and once `from None`.
    Saw: transient the first time, permanent the second.
    Otherwise: both would be transient, since __context__ holds the TimeoutError in both.
    """
    outcomes = []
    for cut in (False, True):
        try:
            try:
                raise TimeoutError
            except TimeoutError:
                if cut:
                    raise DriverError from None
                raise DriverError  # noqa: B904 - the implicit context is the point
        except DriverError as error:
            outcomes.append((type(error.__context__), is_transient(error)))
    assert outcomes == [(TimeoutError, True), (TimeoutError, False)]


def test_one_permanent_member_makes_a_group_permanent():
    """A batch that cannot succeed as a whole is not retried as a whole.

    Did: classified a group of two TimeoutErrors, and one of a TimeoutError and a ValueError.
    Saw: transient, then permanent.
    Otherwise: "any transient member" would retry the malformed one for ever.
    """
    assert is_transient(ExceptionGroup("batch", [TimeoutError(), TimeoutError()]))
    assert not is_transient(ExceptionGroup("batch", [TimeoutError(), ValueError()]))


def raised(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


# The loop


async def outcome_of(awaitable) -> tuple[str, float]:
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    try:
        await awaitable
    except Exception as error:
        return type(error).__name__, loop.time() - began_at
    return "ok", loop.time() - began_at


def test_cancellation_ends_a_retry_at_once():
    """`except Exception` lets a cancellation through.

    Did: cancelled a retry loop one second into an attempt that would have gone on for an hour, on a virtual clock.
    Saw: the task was cancelled at 1 s, after a single attempt.
    Otherwise: a loop that counts a cancellation as a failure would make a second attempt.
    """
    calls = []

    async def operation():
        calls.append(1)
        await asyncio.sleep(3_000)

    async def main():
        task = asyncio.ensure_future(retry(operation, attempts=5, random=Random(1), classify=lambda _: True, **BOUNDS))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled(), asyncio.get_running_loop().time()

    assert clock.run(main) == (True, 1.0)
    assert len(calls) == 1


def test_deadline_is_kept_because_it_is_checked_before_the_wait():
    """A wait that ends after the deadline is not begun.

    Did: retried an operation that always fails, with a deadline of 5 s and waits of up to 2 s, under 50 seeds.
    Saw: it gave up before 5 s each time, and never more than 2 s before.
    Otherwise: a check after the wait would give up after 5 s.
    """

    async def operation():
        raise TimeoutError

    for seed in range(50):
        error, took_s = clock.run(
            lambda seed=seed: outcome_of(
                retry(operation, attempts=500, base_s=2.0, cap_s=2.0, random=Random(seed), deadline_at=5.0)
            )
        )
        assert error == "TimeoutError"
        assert 3.0 <= took_s <= 5.0


def test_last_error_comes_out_itself_with_its_history():
    """What is buried is the last error, and its notes say what went before.

    Did: retried an operation that raises three different errors, with three attempts.
    Saw: the third error itself, with a note for each of the three.
    Otherwise: a wrapper would come out, or the first two failures would be lost.
    """
    errors = [ConnectionRefusedError("no listener"), ConnectionResetError("cut off"), TimeoutError("2 s")]
    left = list(errors)

    async def operation():
        raise left.pop(0)

    async def main():
        try:
            await retry(operation, attempts=3, random=Random(1), **BOUNDS)
        except TimeoutError as error:
            return error

    last = clock.run(main)
    assert last is errors[-1]
    assert last.__notes__ == [
        "attempt 1: ConnectionRefusedError('no listener')",
        "attempt 2: ConnectionResetError('cut off')",
        "attempt 3: TimeoutError('2 s')",
    ]


# Budgets


# --8<-- [start:amplification]
def test_retry_budget_bounds_the_load_of_an_outage():
    """Attempts limit a call; only a budget limits them all together.

    Did: ran 100 calls a second, four attempts each, through an outage of 60 s, without a budget and with one of 1,000
        tokens at 10 a retry (seed 1).
    Saw: 3.99 times the usual load without, 1.02 times with it.
    Otherwise: the budget would not be felt, and both would come near 4.
    """
    plain, budgeted = outage_amplification(), outage_amplification(budget_cap=1_000)
    assert round(plain.amplification, 2) == 3.99
    assert round(budgeted.amplification, 2) == 1.02
    assert budgeted.attempts == budgeted.calls + 1_000 // 10


# --8<-- [end:amplification]


def test_budget_refills_from_successes_alone():
    """After an outage the purse is filled by what works again, not by time.

    Did: emptied a purse of cap 10 and cost 5, deposited four times, asked for a retry, and deposited once more.
    Saw: a refusal after the fourth deposit, which took nothing, and one retry after the fifth.
    Otherwise: a purse that pays with less than the cost would have paid earlier.
    """
    budget = RetryBudget(cap=10, cost=5)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    for _ in range(4):
        budget.deposit()
    assert not budget.spend()
    budget.deposit()
    assert [budget.spend(), budget.spend()] == [True, False]


def test_permanent_errors_cost_the_budget_nothing():
    """Classification comes before the budget.

    Did: made 100 calls that fail with ValueError and one that fails once with TimeoutError, on a purse for one retry.
    Saw: the hundred took nothing, and the one had its retry.
    Otherwise: the first malformed job would have emptied the purse.
    """
    budget = RetryBudget(cap=5, cost=5)
    settings = {"attempts": 3, "random": Random(1), "budget": budget, **BOUNDS}
    hiccup = [TimeoutError()]

    async def malformed():
        raise ValueError("not JSON")

    async def passing():
        if hiccup:
            raise hiccup.pop()

    async def main():
        for _ in range(100):
            await outcome_of(retry(malformed, **settings))
        return (await outcome_of(retry(passing, **settings)))[0]

    assert clock.run(main) == "ok"


# --8<-- [start:shared]
def test_look_then_take_overspends_and_take_then_look_does_not():
    """Between looking and taking, another worker takes.

    Did: let eight workers ask at once for a retry from a purse in Redis that holds one, under 20 seeded schedules,
        once with GET and SET, once with DECRBY and a refund.
    Saw: more than one retry granted under every schedule with GET and SET, never more than one with DECRBY.
    Otherwise: the order of the workers' commands would not matter.
    """

    async def granted(budget_class, seed):
        network = Network(seed)
        clients = [await network.client(f"worker {number}") for number in range(8)]
        purses = [budget_class(client, "{lesson}:budget", cap=10, cost=10) for client in clients]
        answers = await asyncio.gather(*(purse.spend() for purse in purses))
        await network.close()
        return sum(answers)

    for seed in range(1, 21):
        assert clock.run(lambda seed=seed: granted(looks_then_takes.SharedRetryBudget, seed)) > 1
        assert clock.run(lambda seed=seed: granted(SharedRetryBudget, seed)) <= 1


# --8<-- [end:shared]


# Dead letters and idempotency


def test_undecodable_payload_is_permanent():
    """A payload that is not JSON fails the same way each time.

    Did: decoded a cut-off JSON payload and classified the error.
    Saw: JSONDecodeError, which is a ValueError: permanent, so it is buried after one attempt.
    Otherwise: it would be retried until its attempts ran out.
    """
    import json

    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads('{"job": "mail", "to"')
    assert isinstance(caught.value, ValueError)
    assert not is_transient(caught.value)


class Bank:
    """A database with balances, and the ids of the jobs whose effect it holds."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.execute("create table balance (cents integer)")
        self.db.execute("insert into balance values (0)")
        self.db.execute("create table handled (job_id text primary key)")

    def charge(self, job_id: str, *, keyed: bool) -> None:
        self.db.execute("begin")
        try:
            if keyed:
                self.db.execute("insert into handled values (?)", (job_id,))
            self.db.execute("update balance set cents = cents + 500")
        except sqlite3.IntegrityError:
            self.db.execute("rollback")  # its effect is there already: a second delivery changes nothing
        else:
            self.db.execute("commit")

    @property
    def cents(self) -> int:
        return self.db.execute("select cents from balance").fetchone()[0]


# --8<-- [start:idempotent]
@pytest.mark.parametrize(("keyed", "cents"), [(False, 1_000), (True, 500)])
def test_second_delivery_charges_twice_unless_keyed_by_job_id(keyed, cents):
    """At least once means twice, now and then.

    Did: handled one job, lost its acknowledgement, and delivered it again, to a handler with and without the job's id
        in the same transaction as its effect.
    Saw: 1,000 cents charged without the id, 500 with it.
    Otherwise: both would have charged the same.
    """
    bank = Bank()
    for _delivery in range(2):  # the worker died after the effect and before the acknowledgement
        bank.charge("job-1", keyed=keyed)
    assert bank.cents == cents


# --8<-- [end:idempotent]


# From an SLO to numbers


# --8<-- [start:slo]
WEB = Slo(objective_s=1.0, error_budget=0.001, failure_rate=0.05, attempt_s=0.15, calls_per_s=200, hiccup_s=2)


def test_numbers_chosen_from_an_slo_keep_it():
    """The formulas lead from an objective to numbers that keep it.

    Did: chose numbers for 99.9 % within 1 s, attempts of 0.15 s that fail in 5 of 100 cases; simulated 100,000 calls.
    Saw: 3 attempts, ceilings 0.15 and 0.3 s, one retry for 9 successes; 0.02 % failed, none took over 1 s.
    Otherwise: two attempts would do, or calls would fail or come late more often than promised.
    """
    numbers = slo_numbers(WEB)
    assert (numbers.attempts, numbers.base_s, numbers.cap_s, numbers.budget_cost) == (3, 0.15, 0.3, 9)
    measured = simulate(numbers, WEB)
    assert round(measured.failed, 4) == 0.0002
    assert measured.failed <= WEB.error_budget
    assert measured.slowest_s <= WEB.objective_s


# --8<-- [end:slo]


def test_fewer_attempts_than_derived_break_the_error_budget():
    """The number of attempts is the smallest that will do.

    Did: computed the failing share with one attempt fewer than derived.
    Saw: 0.25 %, two and a half times the error budget.
    Otherwise: it would still be within 0.1 %.
    """
    fewer = slo_numbers(WEB).attempts - 1
    assert WEB.failure_rate**fewer == pytest.approx(0.0025)
    assert WEB.failure_rate**fewer > WEB.error_budget


def test_derived_budget_bounds_an_outage():
    """The purse holds the retries of one hiccup, and no more.

    Did: ran an outage of 60 s with the derived attempts, ceilings and purse, and once without the purse.
    Saw: 1.03 times the usual load (1 + 2 s / 60 s), against 3.00 times.
    Otherwise: the load would follow the number of attempts.
    """
    numbers = slo_numbers(WEB)
    same = {"attempts": numbers.attempts, "calls_per_s": 200, "base_s": numbers.base_s, "cap_s": numbers.cap_s}
    with_purse = outage_amplification(**same, budget_cap=numbers.budget_cap, budget_cost=numbers.budget_cost)
    assert round(with_purse.amplification, 2) == 1.03
    assert round(outage_amplification(**same).amplification, 2) == 3.0


@pytest.mark.parametrize("seed", range(20))
def test_any_slo_that_can_be_kept_gets_numbers_that_fit(seed):
    """Whatever the objective, all attempts and all waits fit into it."""
    random, refusals = Random(seed), []
    for _ in range(200):
        slo = Slo(
            objective_s=random.uniform(0.1, 60),
            error_budget=10 ** random.uniform(-6, -1),
            failure_rate=10 ** random.uniform(-3, -0.2),
            attempt_s=10 ** random.uniform(-3, 1),
            calls_per_s=random.uniform(1, 1_000),
            hiccup_s=random.uniform(0.1, 10),
        )
        try:
            numbers = slo_numbers(slo)
        except ValueError as error:
            refusals.append(str(error))
            continue
        waits = [ceiling_s(n, base_s=numbers.base_s, cap_s=numbers.cap_s) for n in range(1, numbers.attempts)]
        assert numbers.attempts * slo.attempt_s + sum(waits) <= slo.objective_s * (1 + 1e-9)
        assert slo.failure_rate**numbers.attempts <= slo.error_budget * (1 + 1e-6)
        assert numbers.budget_cap >= numbers.budget_cost >= 1
    assert len(refusals) < 150
    assert all("attempts of" in refusal for refusal in refusals)


def test_service_defaults_are_the_derived_ones():
    """The service's retry defaults come from one objective.

    Did: derived numbers for jobs that are to be done within 10 s, and compared them with the service's defaults.
    Saw: 5 attempts, base 0.5 s, one retry for 5 successes, a purse of 100 retries, in both; the service's cap is above
        the last ceiling that five attempts reach, 4 s.
    Otherwise: a default would have been changed without its derivation, or the other way round.
    """
    numbers = slo_numbers(SERVICE)
    assert numbers.attempts == defaults.MAX_ATTEMPTS
    assert numbers.base_s == defaults.BASE_S
    assert 1 / numbers.budget_cost == defaults.BUDGET_RATIO
    assert numbers.budget_cap / numbers.budget_cost == defaults.BUDGET_CAP
    assert numbers.cap_s <= defaults.CAP_S


def test_impossible_slo_is_refused_with_its_arithmetic():
    """An objective that the attempts do not fit into is refused, with the sum."""
    with pytest.raises(ValueError, match=r"3 attempts of 0\.4 s are needed .* take 1\.2 s of 1\.0 s"):
        slo_numbers(Slo(1.0, 0.001, 0.05, 0.4, 200, 2))
    with pytest.raises(ValueError, match=r"error_budget must be .* got 0; objective_s must be above 0"):
        slo_numbers(Slo(-1.0, 0, 0.05, 0.4, 200, 2))
