"""From a service level objective to the numbers of a retry policy, and a simulation that checks them.

The formulas, with n attempts, failure rate p of one attempt, share e of calls that may fail, and attempts of a seconds:

- **attempts**: the smallest n with `p ** n <= e`. This takes failures for independent, which passing faults nearly
  are and outages are not: in an outage no n is enough, and the budget below is what counts.
- **deadline**: a wait must end by `objective_s - a`, or the attempt after it comes too late to be of use.
- **ceilings**: n attempts and n - 1 waits, all at their ceilings, fit into the objective:
  `n * a + sum(min(cap, base * 2 ** (k - 1)) for k in 1 … n - 1) <= objective_s`. The base is a, so that a first wait
  is as long as an attempt at most; the cap is the last ceiling if all fit, otherwise the largest that makes them fit.
- **budget**: a call needs `r = p + p ** 2 + … + p ** (n - 1)` retries on average, and of all calls `s = 1 - p ** n`
  succeed and pay in one token each. The budget keeps up if `cost * r <= s`; half of that leaves headroom for a failure
  rate that doubles: `cost = floor(s / (2 * r))`. It holds what a hiccup needs, one retry for each call:
  `cap = cost * calls_per_s * hiccup_s`.

What follows from them: in the long run at most `1 / cost` retries a success, and over an outage of length t at most
`1 + hiccup_s / t` times the usual load, where retries without a budget make it n times.
"""

import math
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Slo:
    """What is promised, and what the dependency is like.

    Attributes:
        objective_s: A call must be answered within this many seconds.
        error_budget: Share of calls that may fail, above 0 and below 1: 0.001 for "99.9 % succeed".
        failure_rate: Share of single attempts that fail for passing reasons, above 0 and below 1.
        attempt_s: Seconds that an attempt takes at most; measure a high percentile and time out there.
        calls_per_s: Calls a second that share the budget.
        hiccup_s: Longest hiccup, in seconds, in which every call may have its retry.
    """

    objective_s: float
    error_budget: float
    failure_rate: float
    attempt_s: float
    calls_per_s: float
    hiccup_s: float


@dataclass(frozen=True)
class OutagePromise:
    """What a job queue promises about an outage of something that its jobs call.

    Attributes:
        load: Most calls during the outage, as a multiple of those that new jobs make; above 1.
        noticed_s: Seconds within which a recovery is noticed, though no new job comes.
        survive_s: Seconds that an outage may last without a job being dead of it.
    """

    load: float
    noticed_s: float
    survive_s: float


SERVICE = OutagePromise(load=1.25, noticed_s=30.0, survive_s=86400.0)
"""What the defaults of the job service are derived from: it can wait, and nobody waits for it."""


@dataclass(frozen=True)
class OutageNumbers:
    """What to configure for it.

    Attributes:
        ratio: Retries that one success pays for.
        probe_every_s: Seconds between two retries that nothing pays for.
        survive_s: Age that the first failure of a job must have before errors bury it.
    """

    ratio: float
    probe_every_s: float
    survive_s: float


# --8<-- [start:outage-numbers]
def outage_numbers(promise: OutagePromise) -> OutageNumbers:
    """Choose what retries may draw on.

    Where a share f of the calls fail, successes pay for ratio * (1 - f) retries a call, which are all used where
    f = ratio / (1 + ratio): then there are 1 + ratio calls for each new job, and nowhere more. A fifth of the room is
    left for probes and for what was saved up. Two probes in a row may be lost, so there are three in `noticed_s`.
    """
    return OutageNumbers(
        ratio=0.8 * (promise.load - 1), probe_every_s=promise.noticed_s / 3, survive_s=promise.survive_s
    )


# --8<-- [end:outage-numbers]


@dataclass(frozen=True)
class RetryNumbers:
    """What to configure, and what to expect of it.

    Attributes:
        attempts: Most attempts a call makes, the first included.
        base_s: Ceiling of the first wait, in seconds.
        cap_s: Largest ceiling, in seconds.
        deadline_s: Seconds after the call's start by which a wait must have ended.
        budget_cost: Tokens that a retry costs; a success pays one in, so `1 / budget_cost` is the budget's ratio.
        budget_cap: Tokens in a full budget.
        failing_share: Expected share of calls that fail in the end.
        usual_load: Expected attempts a call in ordinary times.
        limit_load: Attempts a call that the budget allows in the long run at most.
    """

    attempts: int
    base_s: float
    cap_s: float
    deadline_s: float
    budget_cost: int
    budget_cap: int
    failing_share: float
    usual_load: float
    limit_load: float


# --8<-- [start:numbers]
def slo_numbers(slo: Slo) -> RetryNumbers:
    """Choose attempts, ceilings, deadline and budget for an objective; the module's text has the formulas.

    Raises:
        ValueError: A number is out of its bounds, or the attempts that the error budget needs do not fit into the
            objective; the message says by how much.
    """
    _check(slo)
    p, e = slo.failure_rate, slo.error_budget
    attempts = 1
    while p**attempts > e * (1 + 1e-9):
        attempts += 1
    left_s = slo.objective_s - attempts * slo.attempt_s
    if left_s < 0 or (attempts > 1 and left_s == 0):
        raise ValueError(
            f"{attempts} attempts of {slo.attempt_s} s are needed for an error budget of {e} at a failure rate of "
            f"{p}, and they take {attempts * slo.attempt_s:.3g} s of {slo.objective_s} s: make attempts shorter, "
            "the objective longer, or the dependency better"
        )
    base_s, cap_s = _ceilings(attempts - 1, slo.attempt_s, left_s)
    retries = sum(p**k for k in range(1, attempts))
    succeeding = 1 - p**attempts
    cost = max(1, math.floor(succeeding / (2 * retries))) if retries else 1
    return RetryNumbers(
        attempts=attempts,
        base_s=base_s,
        cap_s=cap_s,
        deadline_s=slo.objective_s - slo.attempt_s,
        budget_cost=cost,
        budget_cap=max(cost, cost * math.ceil(slo.calls_per_s * slo.hiccup_s)),
        failing_share=p**attempts,
        usual_load=1 + retries,
        limit_load=1 + 1 / cost,
    )


# --8<-- [end:numbers]


def _check(slo: Slo) -> None:
    faults = [
        f"{name} must be above 0 and below 1, got {value}"
        for name, value in (("error_budget", slo.error_budget), ("failure_rate", slo.failure_rate))
        if not 0 < value < 1
    ]
    faults += [
        f"{name} must be above 0 and finite, got {value}"
        for name, value in (
            ("objective_s", slo.objective_s),
            ("attempt_s", slo.attempt_s),
            ("calls_per_s", slo.calls_per_s),
            ("hiccup_s", slo.hiccup_s),
        )
        if not 0 < value < math.inf
    ]
    if faults:
        raise ValueError("; ".join(faults))


def _ceilings(waits: int, base_s: float, left_s: float) -> tuple[float, float]:
    """Return base and cap such that the ceilings of so many waits add up to at most `left_s`."""
    if waits == 0:
        return base_s, base_s
    if left_s <= waits * base_s:
        return left_s / waits, left_s / waits
    cap_s = base_s
    for doubled in range(waits):  # the first `doubled` ceilings stay below the cap, the others are equal to it
        below_s = base_s * (2**doubled - 1)
        cap_s = (left_s - below_s) / (waits - doubled)
        if cap_s <= base_s * 2**doubled:
            return base_s, cap_s
    return base_s, base_s * 2 ** (waits - 1)


@dataclass(frozen=True)
class Measured:
    """What a simulated day of calls came to.

    Attributes:
        failed: Share of calls that failed in the end.
        slowest_s: Longest time that a call took, in seconds.
        load: Attempts a call.
        refused: Retries that the budget refused.
    """

    failed: float
    slowest_s: float
    load: float
    refused: int


def simulate(numbers: RetryNumbers, slo: Slo, *, calls: int = 100_000, seed: int = 1) -> Measured:
    """Make calls, one after the other, whose attempts fail independently with the rate of `slo`."""
    random = Random(seed)
    tokens, failed, attempts_made, refused, slowest_s = numbers.budget_cap, 0, 0, 0, 0.0
    for _ in range(calls):
        at_s, ok = 0.0, False
        for attempt in range(1, numbers.attempts + 1):
            attempts_made += 1
            at_s += slo.attempt_s
            ok = random.random() >= slo.failure_rate
            if ok or attempt == numbers.attempts:
                break
            wait_s = random.uniform(0, min(numbers.cap_s, numbers.base_s * 2 ** (attempt - 1)))
            if at_s + wait_s > numbers.deadline_s:
                break
            if tokens < numbers.budget_cost:
                refused += 1
                break
            tokens -= numbers.budget_cost
            at_s += wait_s
        if ok:
            tokens = min(numbers.budget_cap, tokens + 1)
        failed += not ok
        slowest_s = max(slowest_s, at_s)
    return Measured(failed / calls, slowest_s, attempts_made / calls, refused)
