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
from grading.checks import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def timed(
    function: Callable[..., Any], *args: Any, expected: str, costs: str | None = None, **named: Any
) -> tuple[Any, float]:
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


GRAIN = 0.002  # draws on a grid of a thousandth of the ceiling are fine


def uniform_fault(draws: Sequence[float], ceiling: float, gap: float, edge: float) -> str | None:
    """Say what keeps the draws from being uniform on [0, ceiling]; None if nothing does."""
    low, high = min(draws), max(draws)
    if low < 0:
        return f"a wait below zero, {low:.4g} s"
    if high > ceiling * (1 + 1e-9):
        return f"a wait of {high:.4g} s, above the ceiling"
    if low > (edge + GRAIN) * ceiling:
        shape = "every wait is the same" if high - low < 1e-9 * ceiling else f"waits from {low:.4g} s to {high:.4g} s"
        return f"{shape}: no wait below {low:.4g} s in {len(draws):,} draws"
    if high < (1 - edge - GRAIN) * ceiling:
        return f"waits from {low:.4g} s to {high:.4g} s: no wait above {high:.4g} s in {len(draws):,} draws"
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


PERMANENT_RETRIED = "each permanent error is tried again, and uses up retries that a transient error needs"
TRANSIENT_BURIED = "an error that would have gone away after a second ends jobs for good"


class Operation:
    """Fail with the given errors, one a call, then return `value`.

    Args:
        errors: What to raise, in order; a type is raised again for ever, each time with the number of the call.
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

    def __repr__(self) -> str:
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


OVERSPENT = "in an outage the retries double the load, and the dependency cannot recover"
UNDERSPENT = "errors that a single retry would have hidden reach the customer"


def counted(history: Sequence[str], last: int = 12) -> str:
    """Write the last calls in order, equal ones that follow each other as "5 x deposit"."""
    runs: list[list[Any]] = []
    for one in history[-last:]:
        if runs and runs[-1][0] == one:
            runs[-1][1] += 1
        else:
            runs.append([one, 1])
    written = ", ".join(name if count == 1 else f"{count} x {name}" for name, count in runs)
    return ("… " if len(history) > last else "") + (written or "nothing before")


class CountingRandom(Random):
    """A source that counts its draws."""

    draws = 0

    def random(self) -> float:
        self.draws += 1
        return super().random()


def late_attempts(operation: Operation, deadline_at: float) -> str:
    """Say which wait was too long, and how the run went on."""
    late = [at for at in operation.calls_at if at > deadline_at]
    before = max(at for at in operation.calls_at if at <= deadline_at)
    left_s, waited_s = deadline_at - before, late[0] - before
    more = f", and {len(late) - 1} more after that" if len(late) > 1 else ", the only one that late"
    return f"with {left_s:.3g} s left it slept {waited_s:.3g} s and made an attempt after the deadline{more}"


def twice_drawn(source: CountingRandom, operation: Operation) -> str | None:
    """Say so when each wait was drawn more than once."""
    failures = len(operation.calls_at)
    if source.draws < 1.5 * failures:
        return None
    return f"{source.draws} draws for {failures} failed attempts: the wait that is compared isn't the one that is slept"
