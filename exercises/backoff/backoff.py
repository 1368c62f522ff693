"""Retries that calm an outage instead of feeding it.

This file is yours: replace each `raise NotImplementedError` and run `pytest exercises/backoff`. The docstrings are the
contract. README.md takes you through it.
"""

import math
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

#: Types that `is_transient` calls transient by default. They are the built-in ones: redis-py's errors of the same names
#: are other classes, so pass those in `transient` yourself.
TRANSIENT: tuple[type[BaseException], ...] = (ConnectionError, TimeoutError)
#: Types that `is_transient` calls permanent by default: the same call would fail in the same way again.
PERMANENT: tuple[type[BaseException], ...] = (AttributeError, LookupError, TypeError, ValueError)


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    """Return the longest wait allowed after a failed attempt, in seconds: `min(cap_s, base_s * 2 ** (attempt - 1))`.

    This is capped exponential backoff, from "Exponential Backoff And Jitter" (Marc Brooker, AWS Architecture Blog,
    2015).

    Every attempt, 10**9 too, takes under a millisecond: a corrupt counter must not stop the worker. The result is never
    above `cap_s`, and right to a relative 1e-9 for bases from 1e-9 and caps up to 1e9.

    >>> [ceiling_s(attempt, base_s=0.5, cap_s=3.0) for attempt in (1, 2, 3, 4, 1_000_000_000)]
    [0.5, 1.0, 2.0, 3.0, 3.0]

    Args:
        attempt: Number of the attempt that failed, from 1.
        base_s: Ceiling after attempt 1; above 0 and finite.
        cap_s: Largest ceiling; at least `base_s` and finite.

    Raises:
        ValueError: An argument is out of its range or `nan`.
    """
    raise NotImplementedError("step 1: double and cap")


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    """Return a random wait before the next attempt, in seconds: uniform from 0 to `ceiling_s(attempt)`.

    This is the "full jitter" of the same post. It is as fast as `ceiling_s` and takes the same arguments.

    Draw again for each call, from `random` alone: the same seed gives the same waits, so you can replay a failure.
    Other seeds give other waits.

    Raises:
        ValueError: As for `ceiling_s`.
    """
    raise NotImplementedError("step 2: draw between zero and the ceiling")


def is_transient(
    error: BaseException,
    *,
    transient: tuple[type[BaseException], ...] = TRANSIENT,
    permanent: tuple[type[BaseException], ...] = PERMANENT,
) -> bool:
    """Return True for a transient error, for which trying again may help, and False for a permanent one.

    Drivers wrap errors, so follow the chain from `error`. The first error to which one of these rules applies decides:

    1. An exception group (`BaseExceptionGroup`): only its members count, not its own type, cause or context. It is
       transient if each member is, by these same rules from that member on.
    2. An instance of a type in `permanent` is permanent, even if it is an instance of a type in `transient` too.
    3. An instance of a type in `transient` is transient.

    The next error in the chain is the `__cause__` if there is one. Otherwise it is the `__context__`, unless
    `__suppress_context__` is set (`raise … from None`).

    If the chain ends, or leads back to itself, before a rule applies, the error is permanent. A cause that two members
    share counts for both. An error may be falsy, or equal to another.

    >>> is_transient(ConnectionResetError()), is_transient(KeyError("job")), is_transient(RuntimeError("unknown"))
    (True, False, False)
    """
    raise NotImplementedError("step 3: walk the chain to the nearest classified error")


class Budget(Protocol):
    """What `retry` needs of a budget. In step 6, await what a method returns, if it is any awaitable."""

    def spend(self) -> bool | Awaitable[bool]:
        """Pay for one retry and return True, or return False."""
        ...

    def deposit(self) -> Awaitable[None] | None:
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

    An attempt has failed if it raises an `Exception`. After failed attempt n, give up immediately

    1. if `classify(error)` is false: the error is permanent,
    2. if n is `attempts`,
    3. if the wait, drawn as in `full_jitter_s(n, …)`, would end after `deadline_at`. Compare *before* sleeping. Don't
       shorten the wait or draw again: callers with one deadline would all make their last attempt together,
    4. if there is a `budget` and `budget.spend()` is false. Don't pay for a retry that isn't made.

    Otherwise sleep that long with `asyncio.sleep` and make attempt n + 1.

    To give up, raise the last attempt's error *itself*, with its `__cause__` and `__suppress_context__` unchanged:
    callers catch what they always caught. Append one note for each attempt made, in order, with `add_note`:
    `f"attempt {n}: {error!r}"`, also if they all raised the same object.

    Call the operation outside the `except` block. Otherwise `classify` finds the earlier error as the next one's
    `__context__`.

    Any other `BaseException` from the operation or the sleep, above all `asyncio.CancelledError`, passes through
    immediately and isn't shown to `classify`: a worker that is told to stop has to stop.

    The deadline never prevents the first attempt and never interrupts one. A late result is still returned.

    The first attempt is free. Call `spend()` once for each retry, before its wait, and `deposit()` once after a
    success. A cancelled wait is not paid back. Raise what `classify` or the budget raises: a failed `deposit()` must
    not repeat a call that succeeded.

    Args:
        operation: Called without arguments, once for each attempt; returns any awaitable.
        attempts: Most attempts, the first included; at least 1.
        base_s: As for `ceiling_s`.
        cap_s: As for `ceiling_s`.
        random: As for `full_jitter_s`.
        deadline_at: Latest end of a wait, in seconds on the running loop's clock (`loop.time()`).
        classify: Returns True for a transient error; called at most once for each failed attempt.
        budget: Pays for retries; `None` for no limit. Compare with `None`: an empty budget may be falsy.

    Raises:
        ValueError: `attempts`, `base_s` or `cap_s` is out of range. Raise it before the first attempt.
    """
    raise NotImplementedError("step 4: try, classify, check, sleep")


class RetryBudget:
    """A token budget that all calls of a process share and pay their retries from.

    It starts full, with `cap` tokens. In an outage nothing succeeds, so all callers together make at most
    `cap // cost` retries. Time refills nothing.

    >>> budget = RetryBudget(cap=5, cost=5)
    >>> budget.spend(), budget.spend()
    (True, False)
    """

    def __init__(self, *, cap: int, cost: int) -> None:
        """Start with `cap` tokens.

        Raises:
            ValueError: `cost` is below 1 or `cap` is below `cost`.
        """
        raise NotImplementedError("step 5: start full")

    def spend(self) -> bool:
        """Take `cost` tokens and return True; with fewer than `cost` left, take nothing and return False."""
        raise NotImplementedError("step 5: pay for a retry, or refuse")

    def deposit(self) -> None:
        """Add one token, unless there are already `cap`."""
        raise NotImplementedError("step 5: pay in, up to the cap")


class SharedRetryBudget:
    """The budget of step 5, kept in Redis, so that all workers of a fleet pay from the same one (stretch).

    Each worker has its own client and object, which its tasks use at the same time. Keep everything in Redis, under
    `key` or keys that begin with it. While nothing is stored there, the budget is full. Don't let keys expire: time
    refills nothing. However calls overlap:

    - **Never overspend.** Granted retries times `cost` are at most `cap` plus the deposits begun so far.
    - **Lose nothing.** When all calls have returned, what was not spent can still be spent. Deposits count up to `cap`.
    - **Don't refuse** if there are enough tokens and no other call is under way.

    Your client may retry, so what you send may run twice: a plain `INCRBY` that puts tokens back pays out twice. Look
    under WATCH instead. `WatchError` means that a watched key changed, or that the connection broke while it was
    watched: look again. If Redis fails, raise the error or try again; don't answer True or False. After a call that
    broke, tokens may be missing, and each try of a deposit counts as one begun.

    Don't use Lua. In production a script is the usual answer; here you learn to do without.
    """

    def __init__(self, redis: "Redis", key: str, *, cap: int, cost: int) -> None:
        """Remember the settings; don't call Redis here.

        Args:
            redis: This worker's client. Replies are bytes.
            key: Name of the budget in Redis.
            cap: Tokens in a full budget.
            cost: Tokens for a retry.

        Raises:
            ValueError: `cost` is below 1 or `cap` is below `cost`.
        """
        raise NotImplementedError("step 6: remember the key")

    async def spend(self) -> bool:
        """Take `cost` tokens and return True, or take nothing and return False."""
        raise NotImplementedError("step 6: take, or refuse, without a gap between looking and taking")

    async def deposit(self) -> None:
        """Add one token, unless there are already `cap`."""
        raise NotImplementedError("step 6: pay in, up to the cap")
