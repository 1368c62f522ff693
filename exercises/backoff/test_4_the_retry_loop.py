"""Step 4: the retry loop."""

# ruff: noqa: PT018, TRY301 - one message may stand for two facts, errors are raised to see what becomes of them

from __future__ import annotations

import asyncio
import math
from random import Random
from typing import Any

import pytest

from exercises.backoff.backoff import retry
from exercises.backoff.given import (
    PERMANENT_RETRIED,
    TRANSIENT_BURIED,
    Busy,
    CountingRandom,
    Operation,
    Refused,
    Runaway,
    Stop,
    Unknown,
    busy,
    late_attempts,
    now,
    retried,
    tell,
    twice_drawn,
    uniform_fault,
)
from grading import explain, settle

pytestmark = pytest.mark.step(4, "the retry loop")


@pytest.mark.parametrize("value", ["done", None, 0, False, OSError("returned, not raised")])
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


async def test_passing_fault_is_ridden_out() -> None:
    """Two transient failures, then success: three calls, and the result comes back, from any kind of awaitable."""
    for kind in ("", ", and returns a future instead of a coroutine"):
        operation = Operation(Busy("one"), ExceptionGroup("two", [Busy("x")]))
        ended = await retried((lambda call=operation: asyncio.ensure_future(call())) if kind else operation)
        assert (ended.value, len(operation.calls_at)) == ("done", 3), explain(
            called=f"{tell(attempts=4)}, operation fails twice (Busy, then a group of Busy), then gives 'done'{kind}",
            got=f"{ended} after {len(operation.calls_at)} calls",
            expected="returned 'done' after 3 calls",
            costs="a fault that lasts a second reaches the customer",
        )


@pytest.mark.parametrize("attempts", [1, 2, 5])
async def test_attempts_are_limited(attempts: int) -> None:
    """`attempts` is the most that is tried, the first included, and there is no wait after the last."""
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


async def test_wait_that_would_end_after_the_deadline_is_not_begun() -> None:
    """The deadline is checked before sleeping, with the wait that was drawn."""
    await asyncio.sleep(100)  # so that an instant cannot be mistaken for a duration
    more_than_one = 0
    costs = "the caller has hung up, and the retry that comes too late is load for nothing"
    for seed in range(60):
        deadline_at = now() + 5.0003  # off any grid that waits may be drawn on
        operation = Operation(Busy)
        source = CountingRandom(seed)
        ended = await retried(operation, attempts=500, base_s=1.0, cap_s=1.0, random=source, deadline_at=deadline_at)
        last_at = operation.calls_at[-1]
        called = (
            f"{tell(attempts=500, base_s=1.0, cap_s=1.0)} with deadline_at=now + 5, operation always fails immediately"
        )
        assert last_at <= deadline_at + 1e-6, explain(
            called=called,
            got=late_attempts(operation, deadline_at),
            expected="give up at once when the wait that was drawn would end after the deadline",
            note=twice_drawn(source, operation),
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
            costs="a retry that would have been in time isn't made, and the customer sees the error",
        )
        more_than_one += len([at for at in operation.calls_at if at > deadline_at - 1]) > 1
    assert more_than_one > 0, explain(
        called=f"{called}, 60 seeds",
        got="in none of 60 runs did two attempts fall into the last second (the ceiling) before the deadline",
        expected="two in some: the wait that was drawn is compared, not its ceiling",
        costs="a retry that would have been in time isn't made, and the customer sees the error",
    )


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
            costs="callers that catch the dependency's errors no longer catch this one",
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
        costs="a caller that classifies the error follows the wrong chain",
    )


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


async def test_error_of_the_attempt_before_is_not_dragged_along() -> None:
    """An attempt's error does not get the earlier attempt's error as its context."""
    operation = Operation(Busy("passing"), Unknown("a bug"))
    ended = await retried(operation, classify=lambda error: isinstance(error, Busy))
    got = None if ended.error is None else ended.error.__context__
    assert got is None, explain(
        called=f"{tell(attempts=4)}, operation fails with Busy('passing'), then with Unknown('a bug')",
        got=f"Unknown('a bug') with __context__ {got!r}",
        expected="no context: the operation is called outside the `except` block of the previous attempt",
        costs="a bug in the second attempt counts as transient: its chain leads to the first attempt's error",
    )


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


CANCELLATION = "a worker that is told to stop continues, and the process is killed in the middle of a job"


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


async def test_cancellation_during_an_attempt_passes_through() -> None:
    """A cancelled attempt is not a failed attempt."""
    operation = Operation(lasts_s=10)
    await cancelled_while(operation, "task.cancel() while retry awaits operation", after_s=1, classify=lambda _: True)


async def test_cancellation_during_a_wait_passes_through() -> None:
    """A cancelled wait ends the call, not only the wait."""
    operation = Operation(Busy("one"))
    await cancelled_while(
        operation, "task.cancel() while retry waits for the next attempt", after_s=0, base_s=1e6, cap_s=1e6
    )


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


async def test_a_base_exception_passes_through() -> None:
    """A BaseException that is no Exception is never retried."""
    operation = Operation(Stop("stop"))
    ended = await retried(operation, classify=lambda _: True)
    assert isinstance(ended.error, Stop) and len(operation.calls_at) == 1, explain(
        called=f"{tell(attempts=4)}, operation raises a BaseException that isn't an Exception, classify says True",
        got=f"{ended} after {len(operation.calls_at)} calls",
        expected="raised Stop('stop') after 1 call",
        costs=CANCELLATION,
    )
