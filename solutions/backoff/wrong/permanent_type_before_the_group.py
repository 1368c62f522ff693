"""The permanent types are asked first, so a group of such a type is permanent whatever its members are.

Incident: A client library groups its errors under a ValueError of its own. Every outage of the dependency is a dead letter at once.
Fails: 3
Says: a group whose own type is permanent
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

TRANSIENT: tuple[type[BaseException], ...] = (ConnectionError, TimeoutError)
PERMANENT: tuple[type[BaseException], ...] = (AttributeError, LookupError, TypeError, ValueError)


def _check_bounds(base_s: float, cap_s: float) -> None:
    if not 0 < base_s < math.inf:
        raise ValueError(f"base_s must be above 0 and finite, got {base_s}; it is the first ceiling, in seconds")
    if not base_s <= cap_s < math.inf:
        raise ValueError(f"cap_s must be at least base_s ({base_s}) and finite, got {cap_s}")


def ceiling_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, got {attempt}; pass the number of the attempt that failed")
    _check_bounds(base_s, cap_s)
    ceiling = base_s
    for _ in range(attempt - 1):
        if ceiling >= cap_s:
            break
        ceiling *= 2
    return min(ceiling, cap_s)


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, random: Random) -> float:
    return random.uniform(0.0, ceiling_s(attempt, base_s=base_s, cap_s=cap_s))


def is_transient(
    error: BaseException,
    *,
    transient: tuple[type[BaseException], ...] = TRANSIENT,
    permanent: tuple[type[BaseException], ...] = PERMANENT,
) -> bool:
    return _transient(error, transient, permanent, passed=())


def _transient(
    error: BaseException | None,
    transient: tuple[type[BaseException], ...],
    permanent: tuple[type[BaseException], ...],
    passed: tuple[BaseException, ...],
) -> bool:
    while error is not None and not any(error is known for known in passed):
        passed = (*passed, error)
        if isinstance(error, permanent):
            return False
        if isinstance(error, BaseExceptionGroup):
            # Each member goes on with its own copy of the way so far: two members may share a cause.
            return all(_transient(member, transient, permanent, passed) for member in error.exceptions)
        if isinstance(error, transient):
            return True
        error = _behind(error)
    return False


def _behind(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    return None if error.__suppress_context__ else error.__context__


class Budget(Protocol):
    def spend(self) -> bool: ...

    def deposit(self) -> None: ...


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
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, got {attempts}; use 1 for no retry at all")
    _check_bounds(base_s, cap_s)
    loop = asyncio.get_running_loop()
    notes: list[str] = []
    for attempt in range(1, attempts + 1):
        try:
            result = await operation()
        except Exception as error:
            notes.append(f"attempt {attempt}: {error!r}")
            wait_s = full_jitter_s(attempt, base_s=base_s, cap_s=cap_s, random=random)
            if (
                not classify(error)
                or attempt == attempts
                or loop.time() + wait_s > deadline_at
                or (budget is not None and not budget.spend())
            ):
                for note in notes:
                    error.add_note(note)
                raise
        else:
            if budget is not None:
                budget.deposit()
            return result
        # Outside the `except` block, or the next attempt's error would get this one as its context.
        await asyncio.sleep(wait_s)
    raise AssertionError("the last round returns or raises")


def _check_purse(cap: int, cost: int) -> None:
    if cost < 1:
        raise ValueError(f"cost must be at least 1 token, got {cost}")
    if cap < cost:
        raise ValueError(f"cap must be at least cost ({cost}), or no retry is ever paid for; got {cap}")


class RetryBudget:
    def __init__(self, *, cap: int, cost: int) -> None:
        _check_purse(cap, cost)
        self._cap = cap
        self._cost = cost
        self._tokens = cap

    def spend(self) -> bool:
        if self._tokens < self._cost:
            return False
        self._tokens -= self._cost
        return True

    def deposit(self) -> None:
        self._tokens = min(self._cap, self._tokens + 1)


class SharedRetryBudget:
    def __init__(self, redis: "Redis", key: str, *, cap: int, cost: int) -> None:
        _check_purse(cap, cost)
        self._redis = redis
        self._key = key
        self._cap = cap
        self._cost = cost

    async def spend(self) -> bool:
        if await self._change(-self._cost) >= 0:
            return True
        await self._change(self._cost)
        return False

    async def deposit(self) -> None:
        if await self._change(1) > self._cap:
            await self._change(-1)

    async def _change(self, tokens: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key, self._cap, nx=True)
            pipe.incrby(self._key, tokens)
            _, left = await pipe.execute()
        return int(left)
