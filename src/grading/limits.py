"""A limit in real time, for code that never gives control back to the event loop; `clock.py` ends what does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Generator

from grading import clock
from grading.steps import is_test_file
from grading.stuck import Stuck, frame_in

MANY_TURNS = 2_000
"""From here on a run that does not end is one that goes round the loop, not one that never comes back to it."""

LATER_CPU_S = float(os.environ.get("REDRIVE_TEST_CPU_LIMIT_S", "2"))
"""The processor seconds a test may use once another test of the same run had to be ended; where set, always."""

last_words: Callable[[Stuck], None] | None = None
"""Called before the process is ended because the code under test swallows every attempt to end it."""


class _Alarm:
    """End code that never gives control back, after `clock.MAX_REAL_S` real seconds, from a signal handler."""

    has_rung = "REDRIVE_TEST_CPU_LIMIT_S" in os.environ

    def __init__(self, files: tuple[str, ...]) -> None:
        self.files = files
        self.rung = 0
        self.stuck: Stuck | None = None

    def restart(self) -> None:
        """Give all of the time again."""
        if hasattr(signal, "setitimer") and self.stuck is None:
            # Again after half a second: a bare `except:` in a loop may swallow the first.
            signal.setitimer(signal.ITIMER_REAL, clock.MAX_REAL_S, 0.5)
            if _Alarm.has_rung:
                # The run is red already; processor time, because that does not depend on what else the machine does.
                signal.setitimer(signal.ITIMER_PROF, LATER_CPU_S, 0.5)

    def ring(self, signum: int, frame: types.FrameType | None) -> None:
        """Raise `Stuck` in the code that runs; end the process once that was swallowed four times."""
        self.rung += 1
        loop = asyncio._get_running_loop()  # noqa: SLF001
        if self.stuck is None:
            limit_s = clock.MAX_REAL_S if signum == signal.SIGALRM else LATER_CPU_S
            _Alarm.has_rung = True
            where, asked = frame_in(frame, lambda path: path in self.files), frame_in(frame, is_test_file)
            if isinstance(loop, clock.VirtualLoop) and loop.turns >= MANY_TURNS:
                self.stuck = loop.stuck(f"for {limit_s:g} real seconds")
            else:
                fact = f"it was still running after {limit_s:g} real seconds: an endless loop, or a call that blocks"
                self.stuck = Stuck(fact, where, asked)
        if isinstance(loop, clock.VirtualLoop):
            loop.overdue = loop.overdue or self.stuck
        if self.rung > 4:
            self.stuck.fact += ", in code that swallows every exception that would end it (a bare `except:`?)"
            _Alarm.silence()
            if last_words is not None:
                last_words(self.stuck)
            os._exit(1)
        raise self.stuck

    @staticmethod
    def silence() -> None:
        """Stop both timers."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)


def _can_alarm() -> bool:
    return (
        sys.platform != "emscripten"
        and hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
    )


@contextlib.contextmanager
def real_time_limit(files: tuple[str, ...]) -> Generator[None]:
    """End what runs inside after `clock.MAX_REAL_S` real seconds with `Stuck`, even a `while True` that never awaits.

    Works where there is an interval timer (Linux, macOS) on the main thread. In the page the worker is ended from
    outside; on Windows a plain endless loop has to be ended with Ctrl+C.
    """
    if not _can_alarm():
        yield
        return
    alarm, outer = _Alarm(files), clock.limit
    before = {number: signal.signal(number, alarm.ring) for number in (signal.SIGALRM, signal.SIGPROF)}
    clock.limit = alarm
    alarm.restart()
    try:
        yield
    except BaseException:
        _Alarm.silence()
        if alarm.stuck is not None:
            raise alarm.stuck from None
        raise
    else:
        _Alarm.silence()
        if alarm.stuck is not None:
            raise alarm.stuck
    finally:
        _Alarm.silence()
        for number, handler in before.items():
            signal.signal(number, handler)
        clock.limit = outer
