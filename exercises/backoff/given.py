"""What the tests of backoff put in: failing operations, errors, and calls that are timed or must be refused.

Chance is seeded and the bounds on it are wide: a right solution fails a test of a distribution once in 10**9 choices of
the seed, and the seed does not change. How wide that is: of `count` draws that are uniform on [0, 1],

- the largest gap between their empirical distribution and the uniform one is above `e` with a probability of at most
  `2 * exp(-2 * count * e**2)` (the inequality of Dvoretzky, Kiefer and Wolfowitz, with Massart's constant),
- none is below `e`, or none above `1 - e`, with a probability of `(1 - e)**count` each.
"""

# ruff: noqa: N818 - the learner reads Busy() in a message

from __future__ import annotations

import asyncio
import math
import time
from random import Random
from typing import TYPE_CHECKING, Any

from exercises.backoff.backoff import retry
from grading import fail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def text_of(function: Callable[..., Any], *args: Any, **named: Any) -> str:
    """Write a call as the learner would type it."""
    return (
        f"{function.__name__}({', '.join([*map(repr, args), *(f'{name}={value!r}' for name, value in named.items())])})"
    )


def ask(function: Callable[..., Any], *args: Any, expected: str, costs: str, **named: Any) -> Any:
    """Make a call that must not raise."""
    try:
        return function(*args, **named)
    except NotImplementedError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer that is graded
        fail(called=text_of(function, *args, **named), got=error, expected=expected, costs=costs)


def timed(function: Callable[..., Any], *args: Any, expected: str, costs: str, **named: Any) -> tuple[Any, float]:
    """Make a call that must not raise, five times unless it is hopelessly slow; return the answer and the best time."""
    best_s = math.inf
    for _ in range(5):
        started_at = time.perf_counter()
        got = ask(function, *args, expected=expected, costs=costs, **named)
        took_s = time.perf_counter() - started_at
        best_s = min(best_s, took_s)
        if took_s > 0.5:
            break
    return got, best_s


def must_refuse(function: Callable[..., Any], *args: Any, why: str, costs: str, **named: Any) -> None:
    """Make a call that must raise ValueError."""
    try:
        got = function(*args, **named)
    except ValueError:
        return
    except NotImplementedError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer that is graded
        got = error
    fail(called=text_of(function, *args, **named), got=got, expected=f"ValueError: {why}", costs=costs)


GRAIN = 0.002  # draws on a grid of a thousandth of the ceiling are fine


def uniform_fault(draws: Sequence[float], ceiling: float, gap: float, edge: float) -> str | None:
    """Say what keeps the draws from being uniform on [0, ceiling]; None if nothing does."""
    low, high = min(draws), max(draws)
    if low < 0:
        return f"a wait below zero, {low:.4g} s"
    if high > ceiling * (1 + 1e-9):
        return f"a wait of {high:.4g} s, above the ceiling"
    if low > (edge + GRAIN) * ceiling:
        return f"no wait below {low:.4g} s in {len(draws):,} draws"
    if high < (1 - edge - GRAIN) * ceiling:
        return f"no wait above {high:.4g} s in {len(draws):,} draws"
    count = len(draws)
    for rank, draw in enumerate(sorted(draws)):
        share = draw / ceiling
        if max((rank + 1) / count - share, share - rank / count) > gap + GRAIN:
            return f"{rank / count:.0%} of {count:,} waits are below {share:.0%} of the ceiling"
    return None


class Runaway(BaseException):
    """Ends what would go on for ever; no `except Exception` holds it."""


class Stop(BaseException):
    """An exception that is no Exception, as KeyboardInterrupt and CancelledError are."""


class Busy(Exception):
    """Listed as transient in these tests."""


class Refused(Exception):
    """Listed as permanent in these tests."""


class Unknown(Exception):
    """In no list."""


PERMANENT_RETRIED = "every permanent failure is tried again and again, and eats the budget that a passing fault needs"
TRANSIENT_BURIED = "a hiccup of a second ends jobs for good, and somebody has to re-drive them by hand"


class Operation:
    """Fail with the given errors, one a call, then return `value`.

    Args:
        errors: What to raise, in order; a type is raised anew for ever, each time with the number of the call.
        value: What comes back after that.
        lasts_s: Virtual seconds that each call takes.
    """

    def __init__(self, *errors: BaseException | type[Exception], value: Any = "done", lasts_s: float = 0.0) -> None:
        self.errors = errors
        self.value = value
        self.lasts_s = lasts_s
        self.calls_at: list[float] = []
        self.raised: list[BaseException] = []
        self.most_calls = 1_000

    async def __call__(self) -> Any:
        self.calls_at.append(now())
        number = len(self.calls_at)
        if number > self.most_calls:
            raise Runaway(f"call number {number}")
        if self.lasts_s:
            await asyncio.sleep(self.lasts_s)
        if self.errors and isinstance(self.errors[-1], type):
            error: BaseException = self.errors[-1](f"call {number}")
        elif number <= len(self.errors):
            error = self.errors[number - 1]  # type: ignore[assignment]
        else:
            return self.value
        self.raised.append(error)
        raise error

    @property
    def waits_s(self) -> list[float]:
        return [later - sooner for sooner, later in zip(self.calls_at, self.calls_at[1:], strict=False)]


def now() -> float:
    return asyncio.get_running_loop().time()


def busy(error: BaseException) -> bool:
    """Stand in for `is_transient`, so that step 4 does not hang on step 3."""
    return isinstance(error, (Busy, ExceptionGroup))


class Ended:
    """How a call of retry ended: its value or its error, and when."""

    def __init__(self, value: Any, error: BaseException | None) -> None:
        self.value = value
        self.error = error
        self.at = now()

    def __str__(self) -> str:
        return f"returned {self.value!r}" if self.error is None else f"raised {self.error!r}"


async def retried(operation: Any, **settings: Any) -> Ended:
    """Call the learner's retry with ordinary settings, replaced where the test names others."""
    ordinary = {"attempts": 4, "base_s": 1.0, "cap_s": 8.0, "random": Random(7), "classify": busy}
    try:
        value = await retry(operation, **(ordinary | settings))
    except NotImplementedError:
        raise
    except Exception as error:  # noqa: BLE001 - that is the outcome
        return Ended(None, error)
    except (Runaway, Stop) as error:
        return Ended(None, error)
    return Ended(value, None)


def tell(**settings: Any) -> str:
    """Write the call of retry with what this test sets."""
    return f"await retry(operation, {', '.join([*(f'{name}={value!r}' for name, value in settings.items()), '…'])})"


OVERSPENT = "in an outage the retries alone double or treble the load, and the dependency cannot come back"
UNDERSPENT = "faults that a single retry would have hidden reach the customer"
