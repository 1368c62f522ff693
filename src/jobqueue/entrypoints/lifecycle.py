"""The life of a process: start, wait for a signal, drain in order, end with 0; a second signal ends it at once."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

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


async def look_regularly(clock: Clock, interval_s: float, look: Callable[[], Awaitable[None]]) -> None:
    """Await `look()` for ever, with a pause after each time."""
    while True:
        await look()
        await clock.sleep(interval_s)
