"""The thundering herd and the outage that retries make worse, simulated in virtual time.

Both models are discrete and seeded: the same arguments give the same numbers on every machine. They leave out what does
not change the argument (network latency, queues in front of the dependency, slow failures).
"""

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

Jitter = Literal["none", "equal", "full"]


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    """Return `min(cap_s, base_s * 2 ** (attempt - 1))` in seconds, for any attempt from 1, without an overflow."""
    return min(cap_s, math.ldexp(base_s, min(attempt - 1, math.ceil(cap_s / base_s).bit_length())))


def bytes_of_power(doublings: int) -> float:
    """Return how many bytes the exact integer `2 ** doublings` takes, without Python's overhead."""
    return (1 << doublings).bit_length() / 8


_WAITS: dict[Jitter, Callable[[float, Random], float]] = {
    "none": lambda ceiling, _random: ceiling,
    "equal": lambda ceiling, random: ceiling / 2 + random.uniform(0, ceiling / 2),
    "full": lambda ceiling, random: random.uniform(0, ceiling),
}


@dataclass(frozen=True)
class Herd:
    """What became of a herd of clients.

    Attributes:
        attempts: Attempts made by all clients until each had succeeded once.
        finished_s: When the last client succeeded, in seconds after the common start.
        peak: Most attempts in one slot after the first one, in which everybody comes anyway.
        per_second: Attempts that began in second 0, 1, 2, …
    """

    attempts: int
    finished_s: float
    peak: int
    per_second: list[int]


def herd(
    clients: int = 400,
    *,
    jitter: Jitter,
    base_s: float = 1.0,
    cap_s: float = 16.0,
    per_slot: int = 5,
    slot_s: float = 0.1,
    seed: int = 1,
) -> Herd:
    """Let clients that all failed at the same moment retry until each has succeeded.

    In each slot of time the dependency serves the first `per_slot` attempts; the others fail at once and wait, as
    `jitter` says, with the ceilings of capped doubling. At 0 s everybody makes attempt 1.

    Args:
        clients: How many there are.
        jitter: "none" waits the ceiling, "equal" between half of it and all, "full" between nothing and all.
        base_s: Ceiling after the first failed attempt, in seconds.
        cap_s: Largest ceiling, in seconds.
        per_slot: Attempts that the dependency can serve in a slot.
        slot_s: Length of a slot, in seconds.
        seed: Seed of the waits.
    """
    random = Random(seed)
    order = itertools.count()
    due = [(0.0, next(order), 1) for _ in range(clients)]
    served: dict[int, int] = {}
    tried: dict[int, int] = {}
    attempts, finished_s = 0, 0.0
    per_second: list[int] = []
    while due:
        at_s, _, attempt = heapq.heappop(due)
        slot = int(at_s / slot_s + 1e-9)
        attempts += 1
        tried[slot] = tried.get(slot, 0) + 1
        per_second.extend([0] * (int(at_s) + 1 - len(per_second)))
        per_second[int(at_s)] += 1
        if served.get(slot, 0) < per_slot:
            served[slot] = served.get(slot, 0) + 1
            finished_s = at_s
        else:
            wait_s = _WAITS[jitter](ceiling_s(attempt, base_s=base_s, cap_s=cap_s), random)
            heapq.heappush(due, (at_s + wait_s, next(order), attempt + 1))
    peak = max((count for slot, count in tried.items() if slot), default=0)
    return Herd(attempts, finished_s, peak, per_second)


@dataclass(frozen=True)
class Outage:
    """What an outage and its retries did to the dependency.

    Attributes:
        calls: Calls that began during the outage.
        attempts: Attempts that reached the dependency during the outage, retries included.
        amplification: `attempts / calls`: 1.0 is the load that there would have been without retries.
        per_second: Attempts in each second from the start of the simulation.
    """

    calls: int
    attempts: int
    amplification: float
    per_second: list[int]


def outage_amplification(
    *,
    attempts: int = 4,
    calls_per_s: int = 100,
    outage_s: int = 60,
    before_s: int = 10,
    base_s: float = 0.1,
    cap_s: float = 2.0,
    budget_cap: int | None = None,
    budget_cost: int = 10,
    failure_rate: float = 1.0,
    seed: int = 1,
) -> Outage:
    """Run evenly spaced calls through a dependency that fails attempts for a while, and count the load.

    Without a budget each call makes up to `attempts` attempts. With one (`budget_cap` tokens, full at the start), each
    retry also costs `budget_cost` tokens and each success pays one in.

    Args:
        attempts: Most attempts a call makes.
        calls_per_s: New calls a second, outage or not.
        outage_s: Length of the outage, in seconds.
        before_s: Healthy seconds before it; as many follow it.
        base_s: Ceiling of the first wait, in seconds.
        cap_s: Largest ceiling, in seconds.
        budget_cap: Tokens in a full budget; `None` for no budget.
        budget_cost: Tokens that a retry costs.
        failure_rate: Share of attempts that fail during the outage.
        seed: Seed of the waits and of the failures.
    """
    random = Random(seed)
    order = itertools.count()
    end_s = before_s + outage_s + before_s
    due = [(number / calls_per_s, next(order), 1) for number in range(end_s * calls_per_s)]
    tokens = math.inf if budget_cap is None else budget_cap
    per_second = [0] * end_s
    in_outage = 0
    while due:
        at_s, _, attempt = heapq.heappop(due)
        if at_s >= end_s:
            continue
        per_second[int(at_s)] += 1
        during = before_s <= at_s < before_s + outage_s
        in_outage += during
        if not during or (failure_rate < 1 and random.random() >= failure_rate):
            tokens = min(tokens + 1, math.inf if budget_cap is None else budget_cap)
            continue
        if attempt < attempts and tokens >= budget_cost:
            tokens -= budget_cost
            wait_s = random.uniform(0, ceiling_s(attempt, base_s=base_s, cap_s=cap_s))
            heapq.heappush(due, (at_s + wait_s, next(order), attempt + 1))
    calls = outage_s * calls_per_s
    return Outage(calls, in_outage, in_outage / calls, per_second)


def tokens_over_time(
    *, before_s: int, outage_s: int, after_s: int, calls_per_s: int = 20, budget_cap: int = 100, budget_cost: int = 10
) -> tuple[list[int], list[int], list[int]]:
    """Follow a retry budget second by second, through an outage in which every call fails once and wants one retry.

    Returns:
        The tokens at the end of each second, the retries granted in it, and the retries refused in it.
    """
    tokens, granted, refused = budget_cap, [], []
    history: list[int] = []
    for second in range(before_s + outage_s + after_s):
        yes = no = 0
        for _ in range(calls_per_s):
            if not before_s <= second < before_s + outage_s:
                tokens = min(budget_cap, tokens + 1)
            elif tokens < budget_cost:
                no += 1
            else:
                tokens, yes = tokens - budget_cost, yes + 1
        history.append(tokens)
        granted.append(yes)
        refused.append(no)
    return history, granted, refused


@dataclass(frozen=True)
class QueueOutage:
    """What a queue that only delays its retries did in an outage.

    Attributes:
        jobs: Jobs that were submitted during the outage.
        attempts: Attempts that reached the dependency during the outage.
        dead: Jobs whose attempts were used up before the outage was over.
    """

    jobs: int
    attempts: int
    dead: int

    @property
    def load(self) -> float:
        """Return attempts a job: 1.0 is the load that there would have been without retries."""
        return self.attempts / self.jobs


def delaying_queue(
    *, jobs_per_s: float, outage_s: float, attempts: int = 5, base_s: float = 0.5, cap_s: float = 60.0, seed: int = 1
) -> QueueOutage:
    """Run a queue through an outage in which every attempt fails immediately, with the policy of version 0.5.0.

    A budget of 100 retries is spent first, and refills from nothing, as nothing succeeds. A retry that it refuses is
    made all the same, `cap_s` later, and costs its job an attempt.
    """
    random = Random(seed)
    order = itertools.count()
    jobs = int(jobs_per_s * outage_s)
    due = [(number / jobs_per_s, next(order), 1) for number in range(jobs)]
    left, made, dead = 100, 0, 0
    while due:
        at_s, _, attempt = heapq.heappop(due)
        if at_s >= outage_s:
            break
        made += 1
        if attempt == attempts:
            dead += 1
            continue
        wait_s = random.uniform(0, ceiling_s(attempt, base_s=base_s, cap_s=cap_s))
        if left:
            left -= 1
        else:
            wait_s += cap_s
        heapq.heappush(due, (at_s + wait_s, next(order), attempt + 1))
    return QueueOutage(jobs, made, dead)
