"""A virtual clock for async tests, and limits in virtual time and turns of its loop.

This file alone knows how an exercise's `async def test_…` is run: on an event loop whose time jumps to the next timer
instead of waiting for it. Two minutes of backoff cost milliseconds, and a run in which every task waits for something
that nobody will do is seen at once. `time.time()` and `time.monotonic()` follow the same clock while the test runs, so
that keys with a time to live expire when the loop's clock says so.

The loop replaces two private parts of `asyncio.BaseEventLoop` (`_run_once`, `_write_to_self`) and uses its list of
what is ready and its heap of timers; a test in tests/course holds this for every Python that the project supports.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import heapq
import os
import time
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Protocol, SupportsIndex

from grading.stuck import MAIN, Stuck, standing_at

EPOCH_S = 1_700_000_000.0
"""What `time.time()` answers, in seconds, at the start of every async test."""

MAX_VIRTUAL_S = 3600.0
MAX_TURNS = 200_000
MAX_REAL_S = float(os.environ.get("REDRIVE_TEST_LIMIT_S", "10"))

TIMER_RESOLUTION_S = 1e-6
"""Timers that are no further apart are due together."""

_real_monotonic = time.monotonic


class Limit(Protocol):
    """A limit in real time that holds besides the loop's own."""

    def restart(self) -> None:
        """Give all of the time again."""


limit: Limit | None = None
"""The limit in real time that is kept at present; `limits.py` keeps one, and in the page `in_page.py`."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Run tasks in virtual time, and end a run that passes a limit by raising `Stuck`.

    Args:
        files: paths of the code under test; `Stuck.where` names a line in one of these.
    """

    # Private parts of asyncio's, which its annotations leave out.
    _ready: collections.deque[asyncio.Handle]
    _scheduled: list[Any]
    _stopping: bool
    _timer_cancelled_count: int

    def __init__(self, files: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.now_s = 0.0
        self.turns = 0
        self.files = files
        self.overdue: Stuck | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self._started_at = _real_monotonic()
        self.set_exception_handler(self._keep_quiet)

    def _keep_quiet(self, _loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
        """Do nothing: an error that nobody fetched is told by `give_up`, where it explains something."""

    def create_task(self, coro: Any, **named: Any) -> asyncio.Task[Any]:
        """Create a task and remember it in order of creation, which `asyncio.all_tasks` does not."""
        task = super().create_task(coro, **named)
        self._tasks.append(task)
        if len(self._tasks) > 2_000:
            self._tasks = [one for one in self._tasks if not one.done()]
        return task

    def died(self) -> tuple[BaseException, ...]:
        """List the errors with which tasks ended."""
        found = []
        for task in self._tasks:
            if task.done() and not task.cancelled():
                error = task.exception()
                if error is not None and not isinstance(error, Stuck):
                    found.append(error)
        return tuple(found)

    def time(self) -> float:
        """Answer the virtual seconds since the test began."""
        return self.now_s

    def give_up(self, fact: str) -> None:
        """Raise `Stuck`, naming where the code under test stands."""
        if self.overdue is None:
            where, asked = standing_at([task for task in self._tasks if not task.done()], self.files)
            self.overdue = Stuck(fact, where, asked, self.died())
        raise self.overdue

    def stuck(self, how_long: str) -> Stuck:
        """Return what to say of a run that goes round and round; it reads alike whichever limit it meets first."""
        fact = f"it went round the event loop {how_long} without an end: it polls, or awaits what is always ready"
        where, asked = standing_at([task for task in self._tasks if not task.done()], self.files)
        return Stuck(fact, where, asked, self.died())

    def fresh_limits(self) -> None:
        """Start counting time and turns again; a test that runs many scenarios calls this for each."""
        self.turns = 0
        self._limit_s = self.now_s + MAX_VIRTUAL_S
        self._started_at = _real_monotonic()
        if limit is not None:
            limit.restart()

    _limit_s = MAX_VIRTUAL_S

    def _keep_limits(self) -> None:
        if self.overdue is not None:
            raise self.overdue
        self.turns += 1
        if self.turns > MAX_TURNS:
            self.overdue = self.stuck(f"{MAX_TURNS:,} times")
            raise self.overdue
        if self.now_s > self._limit_s:
            self.give_up(
                f"more than {MAX_VIRTUAL_S / 3600:g} hour of virtual time went by without an end: "
                "it polls or sleeps for ever"
            )
        if not self.turns % 256 and _real_monotonic() - self._started_at > MAX_REAL_S:
            self.overdue = self.stuck(f"for {MAX_REAL_S:g} real seconds")
            raise self.overdue

    def _run_once(self) -> None:
        """Run what is ready, having moved the clock to the next timer if nothing is: `asyncio`'s, without sockets."""
        self._keep_limits()
        ready, timers = self._ready, self._scheduled
        while timers and timers[0]._cancelled:  # noqa: SLF001
            self._forget_timer()
        if not ready and not self._stopping:
            if not timers:
                self.give_up("every task waits for something that nobody is left to do (a deadlock)")
            self.now_s = max(self.now_s, timers[0]._when)  # noqa: SLF001
        due_s = self.now_s + TIMER_RESOLUTION_S
        while timers and timers[0]._when < due_s:  # noqa: SLF001
            timer = self._forget_timer()
            if not timer._cancelled:  # noqa: SLF001
                ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:  # noqa: SLF001
                handle._run()  # noqa: SLF001

    def _forget_timer(self) -> asyncio.TimerHandle:
        timer: asyncio.TimerHandle = heapq.heappop(self._scheduled)
        timer._scheduled = False  # type: ignore[attr-defined] # noqa: SLF001
        if timer._cancelled:  # noqa: SLF001
            self._timer_cancelled_count -= 1
        return timer

    def _write_to_self(self) -> None:
        """Do nothing: nobody sleeps in a real selector."""

    def run_in_executor(self, _executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Call `func` at once, in this thread: order stays deterministic, and it works where no thread can start."""
        done: asyncio.Future[Any] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - the caller that awaits the future gets it
            done.set_exception(error)
        return done

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Do nothing: there is none."""


class BlockingCallError(AssertionError):
    """The code under test blocked the whole event loop."""


def _refuse_to_block(seconds: float | SupportsIndex, /) -> None:
    raise BlockingCallError(
        f"time.sleep({seconds!r}) inside async code stops every task of the program at once; "
        "use `await asyncio.sleep(…)`, which lets the others run"
    )


@contextlib.contextmanager
def _patched_time(loop: VirtualLoop) -> Generator[None]:
    kept = time.time, time.monotonic, time.time_ns, time.monotonic_ns, time.sleep
    time.time = lambda: EPOCH_S + loop.now_s
    time.monotonic = lambda: loop.now_s
    time.time_ns = lambda: int((EPOCH_S + loop.now_s) * 1e9)
    time.monotonic_ns = lambda: int(loop.now_s * 1e9)
    time.sleep = _refuse_to_block
    try:
        yield
    finally:
        time.time, time.monotonic, time.time_ns, time.monotonic_ns, time.sleep = kept


def run(main: Callable[[], Coroutine[Any, Any, Any]], files: tuple[str, ...] = ()) -> Any:
    """Run `main()` on a fresh virtual loop to its end and return its result.

    Must be called from synchronous code. A loop that is already marked as running in this thread (a page's, in Pyodide)
    is set aside meanwhile.

    Args:
        main: makes the coroutine; it is called with the clock already virtual.
        files: paths of the code under test, so that a failure can name its line.

    Raises:
        Stuck: nobody could ever wake, or a limit was passed.
    """
    outer = asyncio._get_running_loop()  # noqa: SLF001
    asyncio._set_running_loop(None)  # noqa: SLF001
    loop = VirtualLoop(files)
    try:
        with _patched_time(loop), _noting_missing_awaits():
            try:
                return loop.run_until_complete(loop.create_task(main(), name=MAIN))
            except BaseException:
                if loop.overdue is not None:
                    raise loop.overdue from None
                raise
            finally:
                _wind_up(loop)
    finally:
        asyncio._set_running_loop(outer)  # noqa: SLF001


missing_awaits: list[str] = []
"""Python's own sentences on coroutines that were called and never awaited, in the last run."""


@contextlib.contextmanager
def _noting_missing_awaits() -> Generator[None]:
    missing_awaits.clear()
    with warnings.catch_warnings(record=True) as seen:
        warnings.filterwarnings("always", message="coroutine .* was never awaited", category=RuntimeWarning)
        try:
            yield
        finally:
            missing_awaits.extend(
                dict.fromkeys(str(one.message) for one in seen if "never awaited" in str(one.message))
            )


async def _all_of(tasks: list[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _end(loop: VirtualLoop, last: Coroutine[Any, Any, None]) -> None:
    """Run one last coroutine with a small allowance of its own."""
    loop.overdue, loop.turns, loop._limit_s = None, MAX_TURNS - 2_000, loop.now_s + MAX_VIRTUAL_S  # noqa: SLF001
    try:
        loop.run_until_complete(loop.create_task(last))
    except Stuck:
        last.close()


def _wind_up(loop: VirtualLoop) -> None:
    """Cancel what is left, so that no task outlives its test; give up on one that will not be cancelled."""
    stuck = loop.overdue
    try:
        left = [task for task in loop._tasks if not task.done()]  # noqa: SLF001
        for task in left:
            task.cancel()
        if left:
            _end(loop, _all_of(left))
        _end(loop, loop.shutdown_asyncgens())
        for task in loop._tasks:  # noqa: SLF001
            task._log_destroy_pending = False  # type: ignore[attr-defined] # noqa: SLF001 - it was ended on purpose
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loop.close()
    finally:
        loop.overdue = stuck


async def settle(turns: int = 50) -> None:
    """Let every task that can run do so, without moving the clock; for tests that look at a pool at rest."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def within(virtual_s: float, awaitable: Awaitable[Any]) -> Any:
    """Await something for at most so many virtual seconds; then raise TimeoutError."""
    async with asyncio.timeout(virtual_s):
        return await awaitable
