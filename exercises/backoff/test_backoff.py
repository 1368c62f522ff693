"""What `pytest exercises/backoff` asks of backoff.py, step by step.

Chance is seeded and the bounds on it are wide: a right solution fails a test of a distribution once in 10**9 choices of
the seed, and the seed does not change. How wide that is: of `count` draws that are uniform on [0, 1],

- the largest gap between their empirical distribution and the uniform one is above `e` with a probability of at most
  `2 * exp(-2 * count * e**2)` (the inequality of Dvoretzky, Kiefer and Wolfowitz, with Massart's constant),
- none is below `e`, or none above `1 - e`, with a probability of `(1 - e)**count` each.
"""

# ruff: noqa: N818, PT018, TRY301 - the learner reads Busy() in a message, and one message may stand for two facts

from __future__ import annotations

import asyncio
import math
import random as global_random
import sys
import time
import types
from importlib.machinery import SourceFileLoader
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from exercises.backoff import backoff
from exercises.backoff.backoff import (
    RetryBudget,
    SharedRetryBudget,
    ceiling_s,
    full_jitter_s,
    is_transient,
    retry,
)
from grading import explain, fail, for_seeds, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grading.network import Network

STEP_1 = pytest.mark.step(1, "double and cap")
STEP_2 = pytest.mark.step(2, "full jitter")
STEP_3 = pytest.mark.step(3, "transient or permanent")
STEP_4 = pytest.mark.step(4, "the retry loop")
STEP_5 = pytest.mark.step(5, "a retry budget")
STEP_6 = pytest.mark.step(6, "one budget for the fleet", stretch=True)


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


# Step 1


@STEP_1
@pytest.mark.parametrize(
    ("base_s", "cap_s"),
    [(0.5, 30.0), (1, 64), (0.1, 20.0), (3.0, 100.0), (2.0, 2.0), (0.001, 86_400.0), (1e-9, 1e9)],
)
def test_ceiling_doubles_from_the_base_up_to_the_cap(base_s: float, cap_s: float) -> None:
    """The ceiling is min(cap_s, base_s * 2 ** (attempt - 1))."""
    for attempt in range(1, 70):
        expected = min(cap_s, base_s * 2 ** (attempt - 1))
        call = {"base_s": base_s, "cap_s": cap_s}
        costs = "the first retry comes at the wrong time, and every later one is wrong by the same factor"
        if expected == cap_s:
            costs = "without a hard cap the tenth retry of a job waits for hours, and nobody is told"
        got = ask(ceiling_s, attempt, expected=repr(expected), costs=costs, **call)
        assert isinstance(got, (int, float)) and math.isclose(got, expected, rel_tol=1e-9), explain(
            called=text_of(ceiling_s, attempt, **call), got=got, expected=expected, costs=costs
        )
        assert got <= cap_s, explain(
            called=text_of(ceiling_s, attempt, **call),
            got=got,
            expected=f"at most cap_s, {cap_s}",
            costs="a wait longer than the cap breaks the promise that the cap was derived from",
        )


@STEP_1
def test_huge_attempts_reach_the_cap_at_once() -> None:
    """Attempts 1, 1,000 and 10**9 each take under a millisecond and never overflow."""
    call = {"base_s": 0.1, "cap_s": 60.0}
    costs = "a job that has failed for a day kills the worker that wants to retry it"
    # Upwards, so that a way that is too slow is seen at a size where it still ends soon.
    for attempt in (1, 1_000, 1_025, 1_100, 5_000, 20_000, 10**6, 10**7, 10**9):
        expected = 0.1 if attempt == 1 else 60.0
        got, best_s = timed(ceiling_s, attempt, expected=repr(expected), costs=costs, **call)
        assert got == expected, explain(
            called=text_of(ceiling_s, attempt, **call),
            got=got,
            expected=expected,
            costs="a job that has failed for a day is retried at the wrong time",
        )
        assert best_s < 0.001, explain(
            called=text_of(ceiling_s, attempt, **call),
            got=f"{got} after {best_s * 1000:.1f} ms (the best of 5)",
            expected=f"{expected} in under 1 ms",
            costs="one poisoned counter in a job's record keeps a worker busy for minutes, and its other jobs wait",
        )


@STEP_1
@pytest.mark.parametrize("attempt", [0, -1, -(10**9)])
def test_attempt_below_one_is_refused(attempt: int) -> None:
    """An attempt below 1 is a ValueError."""
    must_refuse(
        ceiling_s,
        attempt,
        base_s=0.5,
        cap_s=30.0,
        why="attempts count from 1",
        costs="an off-by-one in the caller goes unseen, and half the planned wait is all the dependency gets",
    )


@STEP_1
@pytest.mark.parametrize(
    ("base_s", "cap_s", "why"),
    [
        (0, 30.0, "base_s must be above 0"),
        (-0.5, 30.0, "base_s must be above 0"),
        (-2.0, -1.0, "base_s must be above 0"),
        (math.nan, 30.0, "base_s must be finite"),
        (math.inf, math.inf, "base_s must be finite"),
        (0.5, 0.4, "cap_s must be at least base_s"),
        (0.5, 0, "cap_s must be at least base_s"),
        (0.5, -1.0, "cap_s must be at least base_s"),
        (0.5, math.nan, "cap_s must be finite"),
        (0.5, math.inf, "cap_s must be finite"),
    ],
)
def test_impossible_bounds_are_refused(base_s: float, cap_s: float, why: str) -> None:
    """base_s > 0, cap_s >= base_s, both finite; anything else is a ValueError."""
    for attempt in (1, 5):
        must_refuse(
            ceiling_s,
            attempt,
            base_s=base_s,
            cap_s=cap_s,
            why=why,
            costs="a mistyped setting becomes a retry loop without a pause, or one that never wakes",
        )


# Step 2

DRAWS = 4_000
# Five checks of a distribution, each with these three bounds: 5 * (1e-10 + 2 * 5e-11) = 1e-9 in all.
GAP = math.sqrt(math.log(2 / 1e-10) / (2 * DRAWS))
EDGE = 1 - (5e-11) ** (1 / DRAWS)
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


@STEP_2
@pytest.mark.parametrize(
    ("attempt", "base_s", "ceiling"),
    [(1, 1.0, 1.0), (2, 1.0, 2.0), (4, 1.0, 8.0), (5_000, 1.0, 60.0), (3, 0.0001, 0.0004)],
)
def test_waits_are_uniform_between_zero_and_the_ceiling(attempt: int, base_s: float, ceiling: float) -> None:
    """A wait is uniform on [0, ceiling], below a millisecond too."""
    source = Random(20_150_304 + attempt)
    call = {"base_s": base_s, "cap_s": 60.0, "random": source}
    expected = f"waits spread evenly from 0 to the ceiling, {ceiling} s"
    costs = "clients that failed together come back together, and the dependency falls over again"
    draws = [ask(full_jitter_s, attempt, expected=expected, costs=costs, **call) for _ in range(DRAWS)]
    got = uniform_fault(draws, ceiling, GAP, EDGE)
    assert got is None, explain(
        called=f"full_jitter_s({attempt}, base_s={base_s}, cap_s=60.0, random=Random(…))",
        got=got,
        expected=expected,
        costs=costs,
    )


@STEP_2
def test_a_huge_attempt_has_its_wait_at_once() -> None:
    """The wait of attempt 10**9 is drawn as fast as any other."""
    expected = "a wait from 0 to 60.0 s"
    costs = "one poisoned counter in a job's record keeps a worker busy for minutes, and its other jobs wait"
    # Upwards, for the same reason as in step 1.
    for attempt in (1_000, 10**6, 10**7, 10**9):
        call = {"base_s": 1.0, "cap_s": 60.0, "random": Random(attempt)}
        got, best_s = timed(full_jitter_s, attempt, expected=expected, costs=costs, **call)
        called = f"full_jitter_s({attempt}, base_s=1.0, cap_s=60.0, random=Random(…))"
        assert isinstance(got, (int, float)) and 0 <= got <= 60.0, explain(
            called=called, got=got, expected=expected, costs=costs
        )
        assert best_s < 0.001, explain(
            called=called,
            got=f"{got} after {best_s * 1000:.1f} ms (the best of 5)",
            expected=f"{expected}, in under 1 ms",
            costs=costs,
        )


@STEP_2
def test_waits_come_from_the_given_source_alone() -> None:
    """The same seed gives the same waits, another seed other waits, and the module's own source is left alone."""

    def waits_of(seed: int) -> list[float]:
        source = Random(seed)
        named = {"base_s": 1.0, "cap_s": 60.0, "random": source}
        costs = "the wait cannot be computed"
        return [ask(full_jitter_s, attempt, expected="a wait", costs=costs, **named) for attempt in range(1, 20)]

    called = "full_jitter_s(attempt, base_s=1.0, cap_s=60.0, random=Random(seed)) for attempts 1 to 19"
    costs = "no failure of a retry can be replayed, and a fork that copies the module's source retries in step"
    before = global_random.getstate()
    first, second, other = waits_of(7), waits_of(7), waits_of(8)
    after = global_random.getstate()
    assert first == second, explain(
        called=called + ", twice with seed 7",
        got="two different lists of waits",
        expected="the same waits: draw from `random`, the argument, and from nothing else",
        costs=costs,
    )
    assert first != other, explain(
        called=called + ", with seeds 7 and 8",
        got="the same waits from both",
        expected="other waits: draw from `random`, the argument",
        costs="a hundred workers, each with a seed of its own, wait equally long and come back in step",
    )
    assert before == after, explain(
        called=called,
        got="draws from the random module's own source",
        expected="draws from `random`, the argument, alone",
        costs=costs,
    )


@STEP_2
@pytest.mark.parametrize(("attempt", "base_s", "cap_s"), [(0, 0.5, 30.0), (1, 0.0, 30.0), (1, 0.5, 0.4)])
def test_jitter_refuses_what_the_ceiling_refuses(attempt: int, base_s: float, cap_s: float) -> None:
    """full_jitter_s raises ValueError where ceiling_s does."""
    must_refuse(
        full_jitter_s,
        attempt,
        base_s=base_s,
        cap_s=cap_s,
        random=Random(1),
        why="as for ceiling_s",
        costs="a mistyped setting becomes a retry loop without a pause",
    )


# Step 3


class Runaway(BaseException):
    """Ends what would go on for ever; no `except Exception` holds it."""


class Stop(BaseException):
    """An exception that is no Exception, as KeyboardInterrupt and CancelledError are."""


class Busy(Exception):
    """Listed as transient in these tests."""


class BusyNow(Busy):
    """Transient because its base is listed."""


class Refused(Exception):
    """Listed as permanent in these tests."""


class Both(Busy, Refused):
    """An instance of a transient and of a permanent type."""


class Unknown(Exception):
    """In no list."""


class BusyGroup(ExceptionGroup, Busy):
    """A group whose own type is listed as transient."""


class RefusedGroup(ExceptionGroup, Refused):
    """A group whose own type is listed as permanent."""


def behind(error: BaseException, *, cause: BaseException | None = None, context: BaseException | None = None) -> Any:
    """Return `error` with a cause (`raise error from cause`) or a context (raised while handling it)."""
    if context is not None:
        error.__context__ = context
    if cause is not None:
        error.__cause__ = cause
    return error


def from_none(error: BaseException, context: BaseException) -> BaseException:
    """Return `error` as `raise error from None` leaves it while `context` is being handled."""
    error.__context__ = context
    error.__cause__ = None  # sets __suppress_context__
    return error


class Winding(Unknown):
    """An error on a chain that leads in a circle; it notices when it is asked for ever."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.cause: BaseException | None = None
        self.context: BaseException | None = None
        self.asked = 0

    def count(self) -> None:
        self.asked += 1
        if self.asked > 100_000:
            raise Runaway

    @property
    def __cause__(self) -> BaseException | None:  # type: ignore[override]
        self.count()
        return self.cause

    @property
    def __context__(self) -> BaseException | None:  # type: ignore[override]
        self.count()
        return self.context


class Alike(Unknown):
    """An error that is equal to every other of its type, as one that compares by its fields may be."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alike)

    __hash__ = Unknown.__hash__


class Empty(Busy):
    """An error that holds a list of faults, here none, and so is false."""

    def __len__(self) -> int:
        return 0


def both_links() -> BaseException:
    error = behind(Unknown(), cause=Unknown(), context=Busy())
    error.__suppress_context__ = False
    return error


def cycle() -> BaseException:
    first, second = Winding("first"), Winding("second")
    first.cause, second.context = second, first
    return first


def own_cause() -> BaseException:
    error = Winding("its own cause")
    error.cause = error
    return error


def group_in_a_cycle() -> BaseException:
    member = Winding("member")
    group = ExceptionGroup("group", [member])
    member.cause = group
    return group


def shared_cause() -> BaseException:
    busy = Busy("shared")
    return ExceptionGroup("two", [behind(Unknown("a"), cause=busy), behind(Unknown("b"), cause=busy)])


PERMANENT_RETRIED = "every permanent failure is tried again and again, and eats the budget that a passing fault needs"
TRANSIENT_BURIED = "a hiccup of a second ends jobs for good, and somebody has to re-drive them by hand"


@STEP_3
@pytest.mark.parametrize(
    ("what", "error", "expected"),
    [
        ("an error of a transient type", Busy, True),
        ("an error of a subclass of a transient type", BusyNow, True),
        ("an error of a permanent type", Refused, False),
        ("an error of a transient and of a permanent type", Both, False),
        ("an unclassified error with nothing behind it", Unknown, False),
        ("an unclassified error, cause transient", lambda: behind(Unknown(), cause=Busy()), True),
        ("an unclassified error, cause permanent", lambda: behind(Unknown(), cause=Refused()), False),
        ("an unclassified error, context transient", lambda: behind(Unknown(), context=Busy()), True),
        ("an unclassified error, context permanent", lambda: behind(Unknown(), context=Refused()), False),
        (
            "an unclassified error, two causes further a transient one",
            lambda: behind(Unknown(), cause=behind(Unknown(), cause=Busy())),
            True,
        ),
        (
            "an unclassified error, cause unclassified, its context transient",
            lambda: behind(Unknown(), cause=behind(Unknown(), context=Busy())),
            True,
        ),
        (
            "an unclassified error, context unclassified, its cause transient",
            lambda: behind(Unknown(), context=behind(Unknown(), cause=Busy())),
            True,
        ),
        ("a permanent error, cause transient: the nearest decides", lambda: behind(Refused(), cause=Busy()), False),
        ("a transient error, cause permanent: the nearest decides", lambda: behind(Busy(), cause=Refused()), True),
        ("a permanent error, context transient: the nearest decides", lambda: behind(Refused(), context=Busy()), False),
        ("a transient error, context permanent: the nearest decides", lambda: behind(Busy(), context=Refused()), True),
        (
            "an unclassified error, cause transient, whose cause is permanent: the nearest decides",
            lambda: behind(Unknown(), cause=behind(Busy(), cause=Refused())),
            True,
        ),
        (
            "an unclassified error, cause permanent, whose cause is transient: the nearest decides",
            lambda: behind(Unknown(), cause=behind(Refused(), cause=Busy())),
            False,
        ),
        (
            "an unclassified error, cause unclassified, context transient: a context beside a cause is not looked at",
            lambda: behind(Unknown(), cause=Unknown(), context=Busy()),
            False,
        ),
        (
            "an unclassified error, cause transient, context permanent: a context beside a cause is not looked at",
            lambda: behind(Unknown(), cause=Busy(), context=Refused()),
            True,
        ),
        (
            "the same with __suppress_context__ set back to False: a cause is there, so the context is not looked at",
            both_links,
            False,
        ),
        ("raised from None while handling a transient error", lambda: from_none(Unknown(), Busy()), False),
        (
            "an unclassified error whose cause was raised from None while handling a transient error",
            lambda: behind(Unknown(), cause=from_none(Unknown(), Busy())),
            False,
        ),
        (
            "two unclassified errors that are equal (==) but not the same, the second's cause transient",
            lambda: behind(Alike(), cause=behind(Alike(), cause=Busy())),
            True,
        ),
        (
            "an unclassified error, cause transient and false (its len() is 0)",
            lambda: behind(Unknown(), cause=Empty()),
            True,
        ),
        ("a cycle of two unclassified errors", cycle, False),
        ("an error that is its own cause", own_cause, False),
        ("a group of transient errors", lambda: ExceptionGroup("g", [Busy(), BusyNow()]), True),
        ("a group with one permanent member, the last", lambda: ExceptionGroup("g", [Busy(), Refused()]), False),
        ("a group with one permanent member, the first", lambda: ExceptionGroup("g", [Refused(), Busy()]), False),
        ("a group with one unclassified member", lambda: ExceptionGroup("g", [Busy(), Unknown()]), False),
        (
            "a group with a member whose cause is transient",
            lambda: ExceptionGroup("g", [Busy(), behind(Unknown(), cause=Busy())]),
            True,
        ),
        (
            "a group with a member whose cause is permanent",
            lambda: ExceptionGroup("g", [Busy(), behind(Unknown(), cause=Refused())]),
            False,
        ),
        (
            "a group inside a group, all transient",
            lambda: ExceptionGroup("g", [Busy(), ExceptionGroup("inner", [Busy(), Busy()])]),
            True,
        ),
        (
            "a group inside a group, one member permanent",
            lambda: ExceptionGroup("g", [Busy(), ExceptionGroup("inner", [Busy(), Refused()])]),
            False,
        ),
        (
            "an unclassified error whose cause is a group of transient errors",
            lambda: behind(Unknown(), cause=ExceptionGroup("g", [Busy(), Busy()])),
            True,
        ),
        (
            "an unclassified error whose context is a group with a permanent member",
            lambda: behind(Unknown(), context=ExceptionGroup("g", [Busy(), Refused()])),
            False,
        ),
        (
            "a group of unclassified errors, cause transient: what is behind a group is not looked at",
            lambda: behind(ExceptionGroup("g", [Unknown()]), cause=Busy()),
            False,
        ),
        (
            "a group of transient errors, cause permanent: what is behind a group is not looked at",
            lambda: behind(ExceptionGroup("g", [Busy()]), cause=Refused()),
            True,
        ),
        (
            "a group whose own type is transient, with a permanent member: its members decide",
            lambda: BusyGroup("g", [Refused()]),
            False,
        ),
        (
            "a group whose own type is permanent, with a transient member: its members decide",
            lambda: RefusedGroup("g", [Busy()]),
            True,
        ),
        (
            "a BaseExceptionGroup with an unclassified member",
            lambda: BaseExceptionGroup("g", [Busy(), KeyboardInterrupt()]),
            False,
        ),
        (
            "a BaseExceptionGroup of two transient members, one by its cause",
            lambda: BaseExceptionGroup("g", [Busy(), behind(Stop(), cause=Busy())]),
            True,
        ),
        ("a group whose member's cause is the group itself", group_in_a_cycle, False),
        ("a group whose two members share one transient cause", shared_cause, True),
    ],
)
def test_nearest_classified_error_decides(what: str, error: Callable[[], BaseException], expected: bool) -> None:
    """The nearest classified error decides, and without one the error is permanent."""
    costs = TRANSIENT_BURIED if expected else PERMANENT_RETRIED
    called = f"is_transient(error, transient=(Busy,), permanent=(Refused,))\nerror: {what}"
    try:
        got: Any = is_transient(error(), transient=(Busy,), permanent=(Refused,))
    except NotImplementedError:
        raise
    except Runaway:
        fail(
            called=called,
            got="no answer: one error was asked for the error behind it 100,000 times",
            expected=expected,
            costs="an error that was raised from its own cause hangs the worker: no log line, 100 % CPU",
        )
    except Exception as raised:  # noqa: BLE001 - whatever it is, it is the answer that is graded
        got = raised
    assert not isinstance(got, Exception) and bool(got) is expected, explain(
        called=called,
        got=got,
        expected=expected,
        costs=costs,
    )


@STEP_3
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionResetError("reset by peer"), True),
        (TimeoutError("2 s"), True),
        (ValueError("not JSON"), False),
        (KeyError("job"), False),
        (RuntimeError("who knows"), False),
        (asyncio.CancelledError(), False),
    ],
)
def test_defaults_know_the_plain_cases(error: BaseException, expected: bool) -> None:
    """Without lists, TRANSIENT and PERMANENT are used."""
    costs = TRANSIENT_BURIED if expected else PERMANENT_RETRIED
    got = ask(is_transient, error, expected=repr(expected), costs=costs)
    assert bool(got) is expected, explain(called=text_of(is_transient, error), got=got, expected=expected, costs=costs)


@STEP_3
def test_lists_replace_the_defaults() -> None:
    """A caller's lists stand instead of the defaults, and an empty list names nothing."""
    for error, lists, expected in (
        (ConnectionError(), {"transient": (Busy,), "permanent": (Refused,)}, False),
        (ValueError(), {"transient": (ValueError,), "permanent": ()}, True),
        (Busy(), {"transient": (), "permanent": ()}, False),
    ):
        costs = TRANSIENT_BURIED if expected else PERMANENT_RETRIED
        got = ask(is_transient, error, expected=repr(expected), costs=costs, **lists)
        assert bool(got) is expected, explain(
            called=text_of(is_transient, error, **lists), got=got, expected=expected, costs=costs
        )


# Step 4


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


@STEP_4
@pytest.mark.parametrize("value", ["done", None, 0, False])
async def test_success_is_returned_at_once(value: object) -> None:
    """A first attempt that succeeds is the only one, and its result comes back at once."""
    operation = Operation(value=value)
    ended = await retried(operation)
    assert ended.error is None and ended.value is value, explain(
        called=f"{tell()}, operation returns {value!r}",
        got=ended,
        expected=f"returned {value!r}",
        costs="work that was done is reported as failed, and done again",
    )
    assert (len(operation.calls_at), ended.at) == (1, 0.0), explain(
        called=f"{tell()}, operation returns {value!r}",
        got=f"{len(operation.calls_at)} calls in {ended.at:.3g} s",
        expected="1 call and no wait",
        costs="work that was done is done again: a second charge, a second mail",
    )


@STEP_4
async def test_passing_fault_is_ridden_out() -> None:
    """Two transient failures, then success: three calls, and the result comes back."""
    operation = Operation(Busy("one"), ExceptionGroup("two", [Busy("x")]))
    ended = await retried(operation)
    assert (ended.value, len(operation.calls_at)) == ("done", 3), explain(
        called=f"{tell(attempts=4)}, operation fails twice (Busy, then a group of Busy) and then returns 'done'",
        got=f"{ended} after {len(operation.calls_at)} calls",
        expected="returned 'done' after 3 calls",
        costs="a fault that lasts a second reaches the customer",
    )


@STEP_4
@pytest.mark.parametrize("attempts", [1, 2, 5])
async def test_attempts_are_limited(attempts: int) -> None:
    """`attempts` is the most that is tried, the first included, and nobody sleeps after the last."""
    operation = Operation(Busy)
    operation.most_calls = attempts + 3
    ended = await retried(operation, attempts=attempts)
    made = len(operation.calls_at)
    assert made == attempts, explain(
        called=f"{tell(attempts=attempts)}, operation always fails with a transient error",
        got=f"{made} calls" + (" and still going" if isinstance(ended.error, Runaway) else ""),
        expected=f"{attempts} calls",
        costs="a dependency that is down gets more load than it had when it was up, for as long as it is down",
    )
    assert ended.at == operation.calls_at[-1], explain(
        called=f"{tell(attempts=attempts)}, operation always fails with a transient error",
        got=f"gave up {ended.at - operation.calls_at[-1]:.3g} s after the last attempt had failed",
        expected="gave up at once",
        costs="every caller of a dependency that is down is held up by a wait that nothing follows",
    )


@STEP_4
async def test_permanent_error_is_not_retried() -> None:
    """A permanent error ends it at once, on the first attempt or on a later one."""
    for errors in ([Refused("no such card")], [Busy("one"), Refused("no such card")]):
        operation = Operation(*errors)
        operation.most_calls = 6
        ended = await retried(operation)
        assert len(operation.calls_at) == len(errors) and ended.error is errors[-1], explain(
            called=f"{tell(attempts=4)}, operation fails with {errors}, classify says True only for Busy",
            got=f"{ended} after {len(operation.calls_at)} calls",
            expected=f"raised {errors[-1]!r} after {len(errors)} calls",
            costs=PERMANENT_RETRIED,
        )
        assert ended.at == operation.calls_at[-1], explain(
            called=f"{tell(attempts=4)}, operation fails with {errors}, classify says True only for Busy",
            got=f"gave up {ended.at - operation.calls_at[-1]:.3g} s after the permanent error",
            expected="gave up at once",
            costs="a worker sleeps over jobs that can never succeed",
        )


@STEP_4
async def test_default_classification_is_is_transient() -> None:
    """Without `classify`, `is_transient` decides."""
    for error, expected in ((ConnectionResetError(), 2), (ValueError("not JSON"), 1)):
        operation = Operation(error)
        try:
            await retry(operation, attempts=3, base_s=1.0, cap_s=8.0, random=Random(7))
        except NotImplementedError:
            raise
        except Exception:  # noqa: BLE001 - only the calls count here
            pass
        assert len(operation.calls_at) == expected, explain(
            called=f"await retry(operation, attempts=3, …) without classify, operation fails once with {error!r}",
            got=f"{len(operation.calls_at)} calls",
            expected=f"{expected} calls",
            costs=TRANSIENT_BURIED if expected > 1 else PERMANENT_RETRIED,
        )


@STEP_4
async def test_classify_is_asked_no_more_than_once_for_an_attempt() -> None:
    """One failed attempt is put to `classify` once; after the last attempt it need not be asked."""
    asked: list[BaseException] = []

    def classify(error: BaseException) -> bool:
        asked.append(error)
        return busy(error)

    await retried(Operation(Busy), attempts=3, classify=classify)
    assert len(asked) <= 3, explain(
        called=f"{tell(attempts=3)}, operation always fails with a transient error, classify counts its calls",
        got=f"{len(asked)} calls of classify",
        expected="at most one for each of the 3 failed attempts",
        costs="a classify that counts or logs what it sees reports twice the errors that there were",
    )


@STEP_4
async def test_bad_settings_are_refused_before_the_first_attempt() -> None:
    """attempts below 1, or bounds that ceiling_s refuses, are a ValueError before anything is tried."""
    for bad in (
        *({"attempts": 0}, {"attempts": -1}, {"base_s": 0.0}, {"cap_s": 0.5}, {"cap_s": math.nan}),
        *({"cap_s": math.inf}, {"base_s": math.nan}, {"base_s": math.inf, "cap_s": math.inf}),
    ):
        operation = Operation()
        ended = await retried(operation, **bad)
        assert isinstance(ended.error, ValueError) and not operation.calls_at, explain(
            called=tell(**({"attempts": 4, "base_s": 1.0, "cap_s": 8.0} | bad)),
            got=f"{ended}, {len(operation.calls_at)} calls of operation",
            expected="ValueError, before operation is called at all",
            costs="a mistyped setting shows up in the next outage instead of at the first call",
        )


RUNS = 600
# Three distributions, three bounds each: again 3 * (1e-10 + 2 * 5e-11) = 6e-10 in all.
RUNS_GAP = math.sqrt(math.log(2 / 1e-10) / (2 * RUNS))
RUNS_EDGE = 1 - (5e-11) ** (1 / RUNS)


@STEP_4
async def test_waits_between_attempts_have_full_jitter() -> None:
    """After failed attempt n the wait is uniform on [0, ceiling_s(n)]."""
    source = Random(11)
    operations = [Operation(Busy) for _ in range(RUNS)]
    settings = {"attempts": 4, "base_s": 1.0, "cap_s": 3.0}
    await asyncio.gather(*(retried(operation, random=source, **settings) for operation in operations))
    for attempt, ceiling in ((1, 1.0), (2, 2.0), (3, 3.0)):
        waits = [operation.waits_s[attempt - 1] for operation in operations if len(operation.waits_s) >= attempt]
        got = "fewer than 4 calls" if len(waits) < RUNS else uniform_fault(waits, ceiling + 1e-6, RUNS_GAP, RUNS_EDGE)
        assert got is None, explain(
            called=f"{tell(**settings)}, {RUNS} times, operation always fails with a transient error",
            got=f"after attempt {attempt}: {got}",
            expected=f"after attempt {attempt}: waits spread evenly from 0 to {ceiling} s",
            costs="clients that failed together come back together, or hammer a dependency that needs a pause",
        )


@STEP_4
async def test_waits_come_from_the_given_source() -> None:
    """The same seed gives the same waits."""
    runs = []
    for seed in (3, 3, 4):
        operation = Operation(Busy)
        await retried(operation, random=Random(seed))
        runs.append([round(wait, 6) for wait in operation.waits_s])
    assert runs[0] == runs[1] != runs[2], explain(
        called=f"{tell(attempts=4)} with random=Random(3), Random(3) and Random(4)",
        got=f"waits {runs[0]}, {runs[1]}, {runs[2]}",
        expected="the same waits twice, then other waits",
        costs="no incident with retries can be replayed",
    )


@STEP_4
async def test_wait_that_would_end_after_the_deadline_is_not_begun() -> None:
    """The deadline is checked before sleeping, with the wait that was drawn."""
    await asyncio.sleep(100)  # so that an instant cannot be mistaken for a duration
    more_than_one = 0
    costs = "the caller has hung up, and the retry that comes too late is load for nothing"
    for seed in range(60):
        deadline_at = now() + 5.0003  # off any grid that waits may be drawn on
        operation = Operation(Busy)
        ended = await retried(
            operation, attempts=500, base_s=1.0, cap_s=1.0, random=Random(seed), deadline_at=deadline_at
        )
        last_at = operation.calls_at[-1]
        called = (
            f"{tell(attempts=500, base_s=1.0, cap_s=1.0)} with deadline_at=now + 5, operation fails at once, always"
        )
        assert last_at <= deadline_at + 1e-6, explain(
            called=called,
            got=f"an attempt {last_at - deadline_at:.3g} s after the deadline",
            expected="no wait that ends after the deadline",
            costs=costs,
        )
        assert ended.at == last_at, explain(
            called=called,
            got=f"gave up {ended.at - last_at:.3g} s after the last attempt had failed",
            expected="gave up at once: look at the deadline before sleeping, not after",
            costs="callers wait until the deadline for an answer that was clear before",
        )
        assert abs(last_at - deadline_at) > 1e-6, explain(
            called=called,
            got="an attempt exactly at the deadline",
            expected="a wait that does not fit is not begun; it is not shortened to fit either",
            costs="all callers with one deadline make their last attempt in the same instant",
        )
        assert last_at >= deadline_at - 1 - 1e-6, explain(
            called=called,
            got=f"gave up {deadline_at - last_at:.3g} s before the deadline, though no wait is longer than 1 s",
            expected="go on as long as the wait fits",
            costs="a fault that passes in time reaches the customer all the same",
        )
        more_than_one += len([at for at in operation.calls_at if at > deadline_at - 1]) > 1
    assert more_than_one > 0, explain(
        called=f"{called}, 60 seeds",
        got="never more than one attempt in the last second, which is the ceiling",
        expected="the wait that was drawn is compared, not its ceiling",
        costs="a fault that passes in time reaches the customer all the same",
    )


@STEP_4
async def test_deadline_does_not_touch_attempts() -> None:
    """The first attempt is always made, and none is interrupted."""
    await asyncio.sleep(100)
    for late_s, lasts_s, error, expected_calls in (
        (-5, 0, None, 1),
        (-5, 0, Busy, 1),
        (5, 10, None, 1),
        (5, 10, Busy, 1),
    ):
        operation = Operation(*([error] if error else []), lasts_s=lasts_s)
        began_at = now()
        ended = await retried(operation, deadline_at=began_at + late_s)
        called = f"{tell(attempts=4)} with deadline_at=now {late_s:+}, operation takes {lasts_s} s and then " + (
            "fails with a transient error" if error else "returns 'done'"
        )
        expected = "raised its error" if error else "returned 'done'"
        right = ended.error is operation.raised[-1] if error and operation.raised else ended.value == "done"
        assert right and len(operation.calls_at) == expected_calls and abs(ended.at - began_at - lasts_s) < 1e-6, (
            explain(
                called=called,
                got=f"{ended} after {len(operation.calls_at)} calls and {ended.at - began_at:.3g} s",
                expected=f"{expected} after {expected_calls} call and {lasts_s} s",
                costs="work that was done is thrown away and counted as failed",
            )
        )


@STEP_4
async def test_last_error_is_raised_itself_with_a_note_per_attempt() -> None:
    """The last error itself comes out, unchanged but for one note per attempt."""
    cause, last = OSError("cable"), Busy("three")
    last.__cause__ = cause
    last.__suppress_context__ = False
    last.add_note("seen by the driver")
    last.add_note(f"attempt 3: {last!r}")  # of an inner retry that gave up with it
    for errors, attempts in (([Busy("one"), Busy("two"), last], 3), ([Refused("at once")], 3), ([Busy("only")], 1)):
        operation = Operation(*errors)
        ended = await retried(operation, attempts=attempts)
        called = f"{tell(attempts=attempts)}, operation fails with {errors}"
        assert ended.error is errors[-1], explain(
            called=called,
            got=ended,
            expected=f"raised {errors[-1]!r}, that very object",
            costs="callers that catch the dependency's errors no longer do, and the dead letter names the wrong one",
        )
        own = ["seen by the driver", f"attempt 3: {last!r}"] if errors[-1] is last else []
        notes = getattr(ended.error, "__notes__", [])
        expected = own + [f"attempt {number}: {error!r}" for number, error in enumerate(errors, 1)]
        assert notes == expected, explain(
            called=called,
            got=f"notes {notes}",
            expected=f"notes {expected}",
            costs="the log shows the last failure and hides how it began",
        )
    assert (last.__cause__, last.__suppress_context__) == (cause, False), explain(
        called=f"{tell(attempts=3)}, the last error had a cause of its own",
        got=f"__cause__ {last.__cause__!r}, __suppress_context__ {last.__suppress_context__}",
        expected=f"__cause__ {cause!r}, __suppress_context__ False: as it was",
        costs="whoever classifies the error further up follows the wrong chain",
    )


@STEP_4
async def test_one_object_raised_each_time_gets_one_note_per_attempt() -> None:
    """An error object that every attempt raises carries as many notes as there were attempts."""
    error = Busy("the same")
    operation = Operation(error, error, error)
    await retried(operation, attempts=3)
    notes = getattr(error, "__notes__", [])
    expected = [f"attempt {number}: {error!r}" for number in (1, 2, 3)]
    assert notes == expected, explain(
        called=f"{tell(attempts=3)}, each attempt raises one and the same object",
        got=f"notes {notes}",
        expected=f"notes {expected}",
        costs="dead letters of a client that keeps its error object grow with the square of the attempts",
    )


@STEP_4
async def test_error_of_the_attempt_before_is_not_dragged_along() -> None:
    """An attempt's error does not get the earlier attempt's error as its context."""
    operation = Operation(Busy("passing"), Unknown("a bug"))
    ended = await retried(operation, classify=lambda error: isinstance(error, Busy))
    got = None if ended.error is None else ended.error.__context__
    assert got is None, explain(
        called=f"{tell(attempts=4)}, operation fails with Busy('passing'), then with Unknown('a bug')",
        got=f"Unknown('a bug') with __context__ {got!r}",
        expected="no context: the operation is called outside the `except` block of the attempt before",
        costs="a bug in the second attempt counts as transient: its chain leads to the first attempt's error",
    )


@STEP_4
async def test_two_calls_at_once_keep_apart() -> None:
    """Calls that run at the same time share nothing."""
    operations = [Operation(Busy(f"{name} one"), Busy(f"{name} two")) for name in ("a", "b")]
    for operation in operations:
        operation.most_calls = 2
    ended = await asyncio.gather(
        *(retried(operation, attempts=2, random=Random(seed)) for seed, operation in enumerate(operations))
    )
    for name, one in zip(("a", "b"), ended, strict=True):
        notes = getattr(one.error, "__notes__", [])
        expected = [f"attempt 1: Busy('{name} one')", f"attempt 2: Busy('{name} two')"]
        assert notes == expected, explain(
            called=f"two calls of retry(operation, attempts=2, …) at once, the errors of one are called {name}",
            got=f"notes {notes}",
            expected=f"notes {expected}",
            costs="jobs that fail at the same time end up in each other's dead letters",
        )


CANCELLATION = (
    "a worker that is told to stop goes on, the drain never ends, and the process is killed with jobs in hand"
)


async def cancelled_while(operation: Any, called: str, *, after_s: float, **settings: Any) -> None:
    """Cancel retry after some time and demand that the task ends cancelled, at once and with no further attempt."""
    task = asyncio.ensure_future(retried(operation, **settings))
    if after_s:
        await asyncio.sleep(after_s)
    await settle()
    calls, began_at = len(operation.calls_at), now()
    task.cancel()
    await asyncio.wait([task], timeout=1_000)
    got = "still running 1,000 s later"
    if task.done():
        got = f"{len(operation.calls_at) - calls} further calls, " + (
            "cancelled" if task.cancelled() else "not cancelled"
        )
        if not task.cancelled():
            got += f": {task.result()}"
    assert task.cancelled() and len(operation.calls_at) == calls and now() == began_at, explain(
        called=called,
        got=f"{got}, {now() - began_at:.3g} s later",
        expected="cancelled at once, with no further call",
        costs=CANCELLATION,
    )


@STEP_4
async def test_cancellation_during_an_attempt_passes_through() -> None:
    """A cancelled attempt is no failed attempt."""
    operation = Operation(lasts_s=10)
    await cancelled_while(operation, "task.cancel() while retry awaits operation", after_s=1, classify=lambda _: True)


@STEP_4
async def test_cancellation_during_a_wait_passes_through() -> None:
    """A cancelled wait ends the call, not only the wait."""
    operation = Operation(Busy("one"))
    await cancelled_while(
        operation, "task.cancel() while retry waits for the next attempt", after_s=0, base_s=1e6, cap_s=1e6
    )


@STEP_4
async def test_cancellation_with_a_transient_context_passes_through() -> None:
    """A cancellation is not put to `classify`, whatever is behind it."""
    asked: list[BaseException] = []

    class CleansUp(Operation):
        async def __call__(self) -> Any:
            self.calls_at.append(now())
            try:
                raise Busy("refused")
            except Busy:
                await asyncio.sleep(10)  # cleaning up; a cancellation here has Busy as its context
                raise

    def classify(error: BaseException) -> bool:
        asked.append(error)
        return True

    called = "task.cancel() while operation handles a transient error (CancelledError.__context__ is Busy)"
    await cancelled_while(CleansUp(), called, after_s=1, classify=classify)
    assert not asked, explain(
        called=called, got=f"classify({asked[:1]!r})", expected="classify is not asked", costs=CANCELLATION
    )


@STEP_4
async def test_timeout_around_the_call_works() -> None:
    """asyncio.timeout around retry ends it in time."""
    operation = Operation(Busy)
    got = "returned"
    try:
        async with asyncio.timeout(2.0):
            await retry(operation, attempts=1_000, base_s=0.9, cap_s=0.9, random=Random(5), classify=lambda _: True)
    except NotImplementedError:
        raise
    except Exception as error:  # noqa: BLE001 - that is the outcome
        got = f"raised {type(error).__name__}"
    assert got == "raised TimeoutError" and abs(now() - 2.0) < 1e-6, explain(
        called="async with asyncio.timeout(2): await retry(operation, attempts=1_000, …), operation always fails",
        got=f"{got} after {now():.3g} s",
        expected="raised TimeoutError after 2 s",
        costs=CANCELLATION,
    )


@STEP_4
async def test_what_is_no_exception_passes_through() -> None:
    """A BaseException that is no Exception is never retried."""
    operation = Operation(Stop("stop"))
    ended = await retried(operation, classify=lambda _: True)
    assert isinstance(ended.error, Stop) and len(operation.calls_at) == 1, explain(
        called=f"{tell(attempts=4)}, operation raises a BaseException that is no Exception, classify says True",
        got=f"{ended} after {len(operation.calls_at)} calls",
        expected="raised Stop('stop') after 1 call",
        costs=CANCELLATION,
    )


# Step 5

OVERSPENT = "in an outage the retries alone double or treble the load, and the dependency cannot come back"
UNDERSPENT = "faults that a single retry would have hidden reach the customer"


@STEP_5
def test_impossible_purses_are_refused() -> None:
    """cost is at least 1 and cap at least cost."""
    for cap, cost in ((5, 0), (5, -1), (4, 5), (0, 1), (-5, 1)):
        must_refuse(
            RetryBudget,
            cap=cap,
            cost=cost,
            why="cost must be at least 1 and cap at least cost",
            costs="a budget that never pays, or never runs out, is noticed in the outage it was meant for",
        )


@STEP_5
@pytest.mark.parametrize(("cap", "cost"), [(10, 1), (10, 5), (12, 5), (1, 1), (7, 7), (100, 10)])
def test_purse_counts_like_a_purse(cap: int, cost: int) -> None:
    """It starts full, takes cost or nothing, and holds at most cap."""
    chance = Random(cap * 1_000 + cost)
    budget = ask(RetryBudget, cap=cap, cost=cost, expected="a full purse", costs="no retry is ever paid for")
    tokens, history = cap, []
    # Long runs of one kind, so that both ends of the purse are reached and stayed at.
    for deposits in (False, True, False, True, True, False):
        for _ in range(2 * cap):
            if chance.random() < (0.9 if deposits else 0.1):
                ask(budget.deposit, expected="None", costs=UNDERSPENT)
                tokens = min(cap, tokens + 1)
                history.append("deposit")
                continue
            expected = tokens >= cost
            costs = UNDERSPENT if expected else OVERSPENT
            got = ask(budget.spend, expected=repr(expected), costs=costs)
            assert bool(got) is expected, explain(
                called=f"RetryBudget(cap={cap}, cost={cost}), after {len(history)} calls "
                f"({', '.join(history[-12:]) or 'none'}): spend()",
                got=got,
                expected=f"{expected}: {tokens} tokens are left",
                costs=costs,
            )
            tokens -= cost if expected else 0
            history.append("spend" if expected else "spend (refused)")


@STEP_5
def test_two_purses_are_two() -> None:
    """What one purse spends, another does not miss."""
    first = ask(RetryBudget, cap=2, cost=2, expected="a full purse", costs=UNDERSPENT)
    second = ask(RetryBudget, cap=2, cost=2, expected="a full purse", costs=UNDERSPENT)
    got = [bool(first.spend()), bool(second.spend()), bool(first.spend())]
    assert got == [True, True, False], explain(
        called="two RetryBudget(cap=2, cost=2): first.spend(), second.spend(), first.spend()",
        got=got,
        expected=[True, True, False],
        costs="one dependency that is down takes away the retries of all the others",
    )


class Purse:
    """A budget that writes down what is asked of it."""

    def __init__(self, tokens: int = 1_000) -> None:
        self.tokens = tokens
        self.log: list[str] = []
        self.spent_at: list[float] = []

    def spend(self) -> bool:
        self.log.append("spend")
        self.spent_at.append(now())
        self.tokens -= 1
        return self.tokens >= 0

    def deposit(self) -> None:
        self.log.append("deposit")


@STEP_5
@pytest.mark.parametrize(
    ("what", "errors", "settings", "expected", "costs"),
    [
        ("succeeds at once", [], {}, ["deposit"], UNDERSPENT),
        ("fails twice, then succeeds", [Busy(), Busy()], {}, ["spend", "spend", "deposit"], OVERSPENT),
        ("always fails, attempts=3", [Busy], {"attempts": 3}, ["spend", "spend"], OVERSPENT),
        ("always fails, attempts=1", [Busy], {"attempts": 1}, [], UNDERSPENT),
        ("fails with a permanent error", [Refused()], {}, [], PERMANENT_RETRIED),
        ("fails, then fails with a permanent error", [Busy(), Refused()], {}, ["spend"], PERMANENT_RETRIED),
        ("always fails, the deadline is past", [Busy], {"deadline_at": -1.0}, [], UNDERSPENT),
    ],
)
async def test_each_retry_is_paid_and_each_success_pays_in(
    what: str, errors: list[Any], settings: dict[str, Any], expected: list[str], costs: str
) -> None:
    """One spend() per retry, one deposit() per success, and nothing for a retry that is not made."""
    purse = Purse()
    await retried(Operation(*errors), budget=purse, **settings)
    assert purse.log == expected, explain(
        called=f"{tell(**({'attempts': 4} | settings))} with a budget, operation {what}",
        got=f"calls of the budget: {purse.log}",
        expected=f"calls of the budget: {expected}",
        costs=costs,
    )


@STEP_5
async def test_budget_that_is_false_is_a_budget() -> None:
    """Only None is no budget: an object with a length of 0 is false, and is asked all the same."""

    class Emptied(Purse):
        def __len__(self) -> int:
            return 0

    purse = Emptied()
    await retried(Operation(Busy()), budget=purse)
    assert purse.log == ["spend", "deposit"], explain(
        called=f"{tell(attempts=4)} with a budget whose len() is 0, operation fails once, then succeeds",
        got=f"calls of the budget: {purse.log}",
        expected="calls of the budget: ['spend', 'deposit']; compare with None, since a budget may be false",
        costs="a budget that can tell its length is not asked any more once it is empty, which is when it is needed",
    )


@STEP_5
async def test_cancelled_wait_is_not_paid_back() -> None:
    """What was spent on a wait that is then cancelled is gone."""
    purse = Purse()
    task = asyncio.ensure_future(retried(Operation(Busy()), budget=purse, base_s=1e6, cap_s=1e6))
    await settle()
    if task.done():
        task.result()  # what ended it before its wait is what the learner has to see
    task.cancel()
    await asyncio.wait([task], timeout=1_000)
    assert purse.log == ["spend"], explain(
        called=f"{tell(attempts=4)} with a budget, operation fails, task.cancel() during the wait",
        got=f"calls of the budget: {purse.log}",
        expected="calls of the budget: ['spend']; one deposit is for one attempt that succeeded",
        costs="a deploy in an outage cancels every wait, and the fleet starts again with a full budget",
    )


@STEP_5
async def test_retry_is_paid_before_its_wait() -> None:
    """spend() is called when the attempt has failed, not after the wait."""
    purse, operation = Purse(), Operation(Busy(), Busy())
    await retried(operation, budget=purse, base_s=8.0)
    assert purse.spent_at == operation.calls_at[:2], explain(
        called=f"{tell(attempts=4)} with a budget, operation fails twice at once",
        got=f"spend() at {purse.spent_at}, attempts at {operation.calls_at}",
        expected=f"spend() at {operation.calls_at[:2]}, before each wait",
        costs="callers are held up by a wait for a retry that is then refused",
    )


@STEP_5
async def test_empty_purse_ends_the_call() -> None:
    """A refusal gives up at once, with the error itself; the first attempt is free."""
    for tokens in (0, 1):
        error, purse = Busy("last"), Purse(tokens)
        operation = Operation(*[Busy("before")] * tokens, error)
        operation.most_calls = 3
        ended = await retried(operation, budget=purse)
        called = f"{tell(attempts=4)} with a budget for {tokens} retries, operation always fails with a transient error"
        assert len(operation.calls_at) == 1 + tokens and ended.error is error, explain(
            called=called,
            got=f"{ended} after {len(operation.calls_at)} calls",
            expected=f"raised {error!r} itself after {1 + tokens} calls",
            costs=OVERSPENT,
        )
        assert ended.at == operation.calls_at[-1] and len(getattr(error, "__notes__", [])) == 1 + tokens, explain(
            called=called,
            got=f"notes {getattr(error, '__notes__', [])}, {ended.at - operation.calls_at[-1]:.3g} s later",
            expected=f"{1 + tokens} notes, at once",
            costs="the log hides that the budget, and not the attempts, ran out",
        )


@STEP_5
async def test_outage_is_amplified_by_no_more_than_the_purse() -> None:
    """All callers together make cap // cost retries in an outage."""
    budget = ask(RetryBudget, cap=50, cost=5, expected="a full purse", costs=OVERSPENT)
    operations = [Operation(Busy) for _ in range(100)]
    await asyncio.gather(
        *(retried(one, attempts=5, budget=budget, random=Random(seed)) for seed, one in enumerate(operations))
    )
    got = sum(len(operation.calls_at) for operation in operations)
    assert got == 110, explain(
        called="100 calls of retry(operation, attempts=5, budget=RetryBudget(cap=50, cost=5), …) at once, all fail",
        got=f"{got} attempts",
        expected="110 attempts: 100 first ones and 50 // 5 retries",
        costs=OVERSPENT,
    )


# Step 6 (stretch)


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


@STEP_6
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


@STEP_6
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


@STEP_6
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


@STEP_6
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


@STEP_6
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


@STEP_6
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


@STEP_6
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


@STEP_6
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


@STEP_6
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


@STEP_6
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
