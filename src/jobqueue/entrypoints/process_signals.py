"""The life of a process: start, wait for a signal, drain, exit with 0. A second signal ends it without a drain."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog

from jobqueue.application.ports.clock import Clock
from jobqueue.config import is_loopback

AT_ONCE = 130
TOO_LATE = 1
PAUSE_SHARE = 0.2
IN_FLIGHT_SHARE = 0.8


# --8<-- [start:signals]
class Stop(asyncio.Event):
    """An event that the first signal sets; it keeps the signal's number."""

    number: signal.Signals | None = None


@contextmanager
def stop_on_signal(loop: asyncio.AbstractEventLoop, grace_s: float) -> Iterator[Stop]:
    """Yield an event that SIGTERM or SIGINT sets.

    From then on the process ends within `grace_s` seconds, whatever hangs: if the block hasn't ended by then, with
    status 1. A second signal ends it immediately, with status 130.
    """
    stop = Stop()
    latest = threading.Timer(grace_s, _leave_late, (grace_s,))
    latest.daemon = True

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(AT_ONCE)
        stop.number = number
        latest.start()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield stop
    finally:
        latest.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


# --8<-- [end:signals]


def _leave_late(grace_s: float) -> None:
    structlog.get_logger().error("the grace period is over, leaving without a clean end", grace_s=grace_s)
    sys.stderr.flush()
    os._exit(TOO_LATE)


def front_pause_s(listen: str, number: signal.Signals | None, grace_s: float) -> float:
    """Return for how many seconds a stopping front still accepts calls: a fifth of the grace.

    In that time its health says NOT_SERVING, so that load balancers and Kubernetes send new calls elsewhere before it
    refuses them. On loopback there is no load balancer, and after Ctrl+C a person waits, so the pause is 0.
    """
    return 0.0 if number is signal.SIGINT or is_loopback(listen) else grace_s * PAUSE_SHARE


# --8<-- [start:drain-in-order]
async def drain_side_by_side(*drains: Awaitable[None]) -> None:
    """Drain front and worker at the same time, because one grace period has to be enough for both.

    Raises:
        ExceptionGroup: Some failed. It is raised after all have ended, so a failure doesn't cut the others short.
    """
    # --8<-- [start:side-by-side]
    outcomes = await asyncio.gather(*drains, return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if failed:
        raise ExceptionGroup("the shutdown did not go well", failed)
    # --8<-- [end:side-by-side]


# --8<-- [end:drain-in-order]


def leave_stuck_threads() -> None:
    """End the process with 0 if a handler's thread still runs after the drain.

    Python can't stop a thread and would wait for it at exit. Its job has been given back already.
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
