"""The life of a process: start, wait for a signal, drain in order, end with 0; a second signal ends it at once."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog

from jobqueue.application.ports.clock import Clock

AT_ONCE = 130


# --8<-- [start:signals]
@contextmanager
def stop_on_signal(loop: asyncio.AbstractEventLoop) -> Iterator[asyncio.Event]:
    """Yield an event that SIGTERM or SIGINT sets; the second such signal ends the process, whatever it is doing."""
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            os._exit(AT_ONCE)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


# --8<-- [end:signals]


# --8<-- [start:drain-in-order]
async def drain_in_order(*steps: Callable[[], Awaitable[None]]) -> None:
    """Run the steps of a shutdown one after the other; one that fails does not keep the later ones from running.

    Raises:
        BaseExceptionGroup: What failed, after all steps have run.
    """
    failed: list[Exception] = []
    for step in steps:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - it is raised below, with the others
            failed.append(error)
    if failed:
        raise ExceptionGroup("the shutdown did not go well", failed)


# --8<-- [end:drain-in-order]


def leave_stuck_threads() -> None:
    """End the process with 0 if a handler's thread still runs after the drain.

    A thread cannot be stopped, and Python would wait for it at exit; its job has been given back already.
    """
    stuck = [thread.name for thread in threading.enumerate() if thread.name.startswith("job_")]
    if stuck:
        structlog.get_logger().warning("leaving handlers behind that do not return", threads=stuck)
        sys.stderr.flush()
        os._exit(0)


async def look_regularly(clock: Clock, interval_s: float, look: Callable[[], Awaitable[None]]) -> None:
    """Await `look()` for ever, with a pause after each time."""
    while True:
        await look()
        await clock.sleep(interval_s)
