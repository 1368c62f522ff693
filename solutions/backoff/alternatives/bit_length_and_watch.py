"""Retries that calm an outage instead of feeding it.

A second correct solution, built differently: `bit_length` instead of a loop, a recursive verdict instead of a walk, and
optimistic locking with WATCH instead of a decrement that is refunded.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING, Protocol, TypeVar

from redis.exceptions import WatchError

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

#: What `is_transient` takes for transient when the caller names nothing else: trying again may help.
TRANSIENT: tuple[type[BaseException], ...] = (ConnectionError, TimeoutError)
#: What `is_transient` takes for permanent when the caller names nothing else: the same call fails the same way again.
PERMANENT: tuple[type[BaseException], ...] = (AttributeError, LookupError, TypeError, ValueError)


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    """Return the longest wait allowed after a failed attempt: `min(cap_s, base_s * 2 ** (attempt - 1))`.

    The formula is the capped exponential backoff of "Exponential Backoff And Jitter" (Marc Brooker, AWS Architecture
    Blog, 2015), with attempts counted from 1, so that the first wait is bounded by `base_s` itself.

    The answer comes in under a millisecond for every attempt, 1,000 and 10**9 included, and no attempt is large enough
    for an overflow. It is right to a relative 1e-9 and never above `cap_s`, for every `base_s` from 1e-9 and every
    `cap_s` up to 1e9; bases and caps outside that range are not graded, except for the errors below.

    >>> [ceiling_s(attempt, base_s=0.5, cap_s=3.0) for attempt in (1, 2, 3, 4, 1_000_000_000)]
    [0.5, 1.0, 2.0, 3.0, 3.0]

    Args:
        attempt: The attempt that has failed, an int, counted from 1.
        base_s: Ceiling after attempt 1, in seconds; above 0 and finite.
        cap_s: Largest ceiling, in seconds; at least `base_s` and finite (an infinite cap is no cap).

    Raises:
        ValueError: `attempt` is below 1, `base_s` is not above 0, `cap_s` is below `base_s`, or either of the two is
            not a finite number (`nan`, `inf`).
    """
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, got {attempt}; pass the number of the attempt that failed")
    if not (math.isfinite(base_s) and base_s > 0):
        raise ValueError(f"base_s must be above 0 and finite, got {base_s}")
    if not (math.isfinite(cap_s) and cap_s >= base_s):
        raise ValueError(f"cap_s must be at least base_s ({base_s}) and finite, got {cap_s}")
    # 2 ** ratio.bit_length() is above the ratio: that many doublings pass the cap, and more would change nothing.
    doublings = min(attempt - 1, math.ceil(cap_s / base_s).bit_length())
    return min(cap_s, math.ldexp(base_s, doublings))


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    """Return the wait before the next attempt: uniform on `[0, ceiling_s(attempt)]`, both ends allowed.

    This is the "full jitter" of the post named above. Each call draws anew, from `random` and from nothing else: the
    module's own functions (`random.random()` on the module), the clock and the operating system are not asked. The same
    seed gives the same waits, another seed gives other waits. How you draw is up to you (`random.random()`,
    `random.uniform`, `random.randint` on a fine grid): a grain of a thousandth of the ceiling or less is fine enough.

    >>> wait_s = full_jitter_s(3, base_s=0.5, cap_s=30.0, random=Random(7))
    >>> 0.0 <= wait_s <= 2.0
    True

    Args:
        attempt: The attempt that has failed, counted from 1.
        base_s: Ceiling after attempt 1, in seconds.
        cap_s: Largest ceiling, in seconds.
        random: The source to draw from.

    Raises:
        ValueError: Under the same conditions as `ceiling_s`.
    """
    return random.random() * ceiling_s(attempt, base_s=base_s, cap_s=cap_s)


def is_transient(
    error: BaseException,
    *,
    transient: tuple[type[BaseException], ...] = TRANSIENT,
    permanent: tuple[type[BaseException], ...] = PERMANENT,
) -> bool:
    """Tell whether trying again may help: True for a transient error, False for a permanent one.

    An error *is classified* if it is a group or an instance of a listed type; otherwise the error behind it is asked,
    then the one behind that, and so on. The nearest classified error decides:

    - A group (`BaseExceptionGroup`, so `ExceptionGroup` too) is decided by its members alone, whatever its own type and
      whatever is behind the group: transient if every member is transient, permanent if any member is permanent. A
      member is classified by these same rules: it may have errors behind it, and it may be a group.
    - An instance of a type in `permanent` is permanent, even if it is an instance of a type in `transient` as well.
    - An instance of a type in `transient` is transient.

    The error behind an error is its `__cause__` if it has one; otherwise its `__context__`, unless
    `__suppress_context__` is set (`raise … from None`). A context beside a cause is never looked at.

    If nothing classified is found, the answer is permanent. A chain may lead back to an error that was already passed
    on the same way; it ends there, with nothing found. One error behind two members of a group counts for both.

    >>> is_transient(ConnectionResetError()), is_transient(KeyError("job")), is_transient(RuntimeError("who knows"))
    (True, False, False)
    >>> wrapped = RuntimeError("could not charge the card")
    >>> wrapped.__cause__ = TimeoutError("no answer in 2 s")
    >>> is_transient(wrapped)
    True

    Args:
        error: What was raised.
        transient: Types for which trying again may help.
        permanent: Types for which it cannot.
    """

    def verdict(link: BaseException | None, way: frozenset[int]) -> bool:
        if link is None or id(link) in way:
            return False
        if isinstance(link, BaseExceptionGroup):
            return not any(not verdict(member, way | {id(link)}) for member in link.exceptions)
        if isinstance(link, (*permanent, *transient)):
            return not isinstance(link, permanent)
        if link.__cause__ is not None:
            return verdict(link.__cause__, way | {id(link)})
        return not link.__suppress_context__ and verdict(link.__context__, way | {id(link)})

    return verdict(error, frozenset())


class Budget(Protocol):
    """What `retry` asks for its retries: `RetryBudget`, or anything else with these two methods."""

    def spend(self) -> bool:
        """Pay for one retry; False if there is not enough left, and then nothing is taken."""
        ...

    def deposit(self) -> None:
        """Pay in for one call that succeeded."""
        ...


async def retry(
    operation: Callable[[], Awaitable[T]],
    *,
    attempts: int,
    base_s: float,
    cap_s: float,
    random: Random,
    deadline_at: float = math.inf,
    classify: Callable[[BaseException], bool] = is_transient,
    budget: Budget | None = None,
) -> T:
    """Await `operation()` until it succeeds, and return its result, whatever that is (`None` is a result).

    After failed attempt number n, in this order, `retry` gives up

    1. if `classify(error)` is false: the error is permanent,
    2. if n attempts are all that `attempts` allows,
    3. if the wait, drawn as by `full_jitter_s(n, …)` from `random`, would end after `deadline_at`: the check comes
       *before* sleeping, uses the wait that was drawn, and never shortens a wait to make it fit,
    4. if there is a `budget` and `budget.spend()` is false (step 5).

    Otherwise it sleeps that wait with `asyncio.sleep` and makes attempt n + 1. Giving up takes no time.

    To give up is to re-raise the last attempt's error *itself*: the same object, not wrapped, its `__cause__` and
    `__suppress_context__` as they were. Added to it by `add_note`, after any notes of its own, is exactly one note for
    each attempt made, in order, the last included: `f"attempt {n}: {error!r}"` with that attempt's number and error.
    That holds after one attempt as after ten, and also if every attempt raised one and the same object.

    An attempt starts when the error of the one before has been dealt with: it does not become the next error's
    `__context__`, where `classify` would find it again. (Call the operation outside the `except` block.)

    Only an `Exception` is a failed attempt. Any other `BaseException` out of the operation or the sleep, above all
    `asyncio.CancelledError`, passes through at once, is never retried, and is not put to `classify`.

    The clock is the running loop's (`asyncio.get_running_loop().time()`). The first attempt is always made, even past
    the deadline. The deadline does not interrupt an attempt: one that ends after it still returns its result.

    With a budget (step 5): the first attempt is free, each retry is paid for by one `spend()` just before its sleep,
    and one `deposit()` is made when an attempt succeeds. A call that fails deposits nothing. What was spent on a wait
    that is then cancelled is not given back.

    Args:
        operation: Called without arguments, anew for each attempt.
        attempts: Most attempts to make, the first included; at least 1.
        base_s: Ceiling of the first wait, in seconds.
        cap_s: Largest ceiling, in seconds.
        random: The source that waits are drawn from.
        deadline_at: Latest instant at which a wait may end, in seconds on the running loop's clock; `inf` for none.
        classify: Tells whether an error is transient; asked at most once for each failed attempt.
        budget: What pays for retries; `None`, and nothing else that is false, for no such limit.

    Raises:
        ValueError: `attempts` is below 1, or `base_s` and `cap_s` are not what `ceiling_s` accepts; raised before the
            first attempt, so that a bad setting shows up now and not in the next outage.
    """
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, got {attempts}")
    ceiling_s(1, base_s=base_s, cap_s=cap_s)  # for its ValueError
    now = asyncio.get_running_loop().time
    failures: list[Exception] = []
    while True:
        try:
            result = await operation()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is kept and raised
            failures.append(error)
        else:
            if budget is not None:
                budget.deposit()
            return result
        last = failures[-1]
        wait_s = _wait_s(failures, attempts, deadline_at - now(), classify, budget, base_s, cap_s, random)
        if wait_s is None:
            texts = [f"attempt {number}: {failure!r}" for number, failure in enumerate(failures, 1)]
            for text in texts:
                last.add_note(text)
            raise last
        await asyncio.sleep(wait_s)


def _wait_s(
    failures: list[Exception],
    attempts: int,
    left_s: float,
    classify: Callable[[BaseException], bool],
    budget: Budget | None,
    base_s: float,
    cap_s: float,
    random: Random,
) -> float | None:
    """Return how long to wait for the next attempt, or None to give up."""
    if not classify(failures[-1]) or len(failures) == attempts:
        return None
    wait_s = full_jitter_s(len(failures), base_s=base_s, cap_s=cap_s, random=random)
    if wait_s > left_s or (budget is not None and not budget.spend()):
        return None
    return wait_s


class RetryBudget:
    """A purse of tokens from which the retries of a whole process are paid.

    It starts full, with `cap` tokens. A retry costs `cost` tokens; a call that succeeded pays one token in. So in the
    long run at most one retry is made for every `cost` successes, and in an outage, with no successes, at most
    `cap // cost` retries are made by everybody together. Time changes nothing: a purse does not refill by itself. (The
    AWS SDKs call this their retry quota, gRPC calls it retry throttling.)

    >>> budget = RetryBudget(cap=5, cost=5)
    >>> budget.spend(), budget.spend()
    (True, False)
    >>> for _ in range(5):
    ...     budget.deposit()
    >>> budget.spend()
    True
    """

    def __init__(self, *, cap: int, cost: int) -> None:
        """Start with `cap` tokens; each retry costs `cost` of them.

        Raises:
            ValueError: `cost` is below 1 or `cap` is below `cost`.
        """
        if cost < 1 or cap < cost:
            raise ValueError(f"cost must be at least 1 and cap at least cost, got cost {cost} and cap {cap}")
        self._cap, self._cost = cap, cost
        self._missing = 0

    def spend(self) -> bool:
        """Take `cost` tokens and return True; with fewer than `cost` left, take nothing and return False."""
        enough = self._cap - self._missing >= self._cost
        if enough:
            self._missing += self._cost
        return enough

    def deposit(self) -> None:
        """Add one token, unless there are already `cap`."""
        if self._missing > 0:
            self._missing -= 1


class SharedRetryBudget:
    """The same purse, held in Redis, so that all workers of a fleet pay from one (stretch).

    Workers are separate processes: each has its own client and its own `SharedRetryBudget`, and equal `key`, `cap` and
    `cost` make it the same purse. Everything it knows is in Redis, under `key` or keys that begin with `key`; how it is
    laid out there is up to you. Where nothing is stored yet, the purse is full.

    What must hold, however many workers spend and deposit at once and however their commands interleave:

    - **Never overspent**: granted retries x `cost` is never above `cap` plus the deposits begun so far.
    - **Nothing lost**: once all calls have returned without an error, what was not spent can still be spent. A purse of
      cap 6 and cost 2 that has granted one retry in a race grants exactly two more afterwards. A deposit counts, unless
      the purse is full; one that races with others at a nearly full purse may be dropped.
    - **No overfilling**: no deposit lifts the purse above `cap`. Tokens that a refused spender puts back may, where
      deposits have filled the purse meanwhile: they were paid in like any other.
    - A spurious refusal is allowed while other calls are under way: `spend()` may return False although there would
      have been enough. With no other call under way it must not.

    No Lua: EVAL, EVALSHA and FCALL are refused. Replies are bytes (`int(b"5")` works). An error from the client reaches
    the caller as it is, or you start again: a budget that cannot be asked has granted and refused nothing. If the
    connection failed in the middle, tokens may be missing afterwards, and a deposit that you started again may count
    twice.
    """

    def __init__(self, redis: "Redis", key: str, *, cap: int, cost: int) -> None:
        """Remember where the purse is; Redis is not asked here.

        Args:
            redis: Connected client of this worker, with `decode_responses=False`.
            key: Name of the purse in Redis.
            cap: Tokens in a full purse.
            cost: Tokens that a retry costs.

        Raises:
            ValueError: `cost` is below 1 or `cap` is below `cost`.
        """
        if cost < 1 or cap < cost:
            raise ValueError(f"cost must be at least 1 and cap at least cost, got cost {cost} and cap {cap}")
        self._redis, self._key, self._cap, self._cost = redis, key, cap, cost

    async def spend(self) -> bool:
        """Take `cost` tokens and return True, or take nothing and return False."""
        return await self._changed(lambda tokens: tokens - self._cost if tokens >= self._cost else None)

    async def deposit(self) -> None:
        """Add one token, unless there are already `cap`."""
        await self._changed(lambda tokens: tokens + 1 if tokens < self._cap else None)

    async def _changed(self, change: Callable[[int], int | None]) -> bool:
        """Replace the number of tokens by what `change` makes of it, unless that is None; False if nothing changed."""
        async with self._redis.pipeline() as pipe:
            while True:
                await pipe.watch(self._key)
                stored = await pipe.get(self._key)
                tokens = change(self._cap if stored is None else int(stored))
                if tokens is None:
                    return False
                pipe.multi()  # type: ignore[no-untyped-call]
                pipe.set(self._key, tokens)
                try:
                    await pipe.execute()
                except WatchError:
                    continue
                return True
