"""How background work repeats: `every` backs off from a store that fails, `steadily` keeps its pace."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.observer import Observer
from jobqueue.domain.retry import full_jitter_s

ABANDONED_AFTER = 0.9


# --8<-- [start:every]
async def every(
    interval_s: float,
    run_once: Callable[[float], Awaitable[bool]],
    *,
    name: str,
    clock: Clock,
    observer: Observer,
    rng: random.Random,
) -> None:
    """Call `run_once(now)` for ever: at once again while it returns True, else after the interval.

    A pass that fails is reported, and the next one waits a full-jitter delay, longer with each failure in a row, up
    to 5 s: a store that comes back is not met by every loop of every worker in the same instant.
    """
    failures = 0
    task = asyncio.current_task()
    while True:
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # the store's client swallowed it, which happens when its reply came just then
        try:
            again = await run_once(clock.now())
        except Exception as error:  # noqa: BLE001 - a defect, too, must be heard of and must not end the loop
            failures += 1
            observer.failed(name, error)
            await clock.sleep(interval_s + full_jitter_s(failures, 0.1, 5.0, rng))
            continue
        failures = 0
        if again:
            await asyncio.sleep(0)
        else:
            await clock.sleep(interval_s)


# --8<-- [end:every]


# --8<-- [start:steadily]
async def steadily(
    interval_s: float,
    run_once: Callable[[float], Awaitable[bool]],
    *,
    name: str,
    clock: Clock,
    observer: Observer,
) -> None:
    """Call `run_once(now)` once an interval for ever, whatever became of the last pass.

    A pass that fails is reported. One that has no answer is abandoned before the next is due, after nine tenths of the
    interval, and reported too: what it waits for may never come, and must not cost the passes after it.
    """
    due, task = clock.ticks(), asyncio.current_task()
    while True:
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # as in every
        try:
            async with asyncio.timeout(interval_s * ABANDONED_AFTER):
                await run_once(clock.now())
        except TimeoutError:
            observer.failed(name, TimeoutError(f"no answer within {interval_s * ABANDONED_AFTER:g} s; tried again"))
        except Exception as error:  # noqa: BLE001 - as in every
            observer.failed(name, error)
        due = max(due + interval_s, clock.ticks())
        await clock.sleep(due - clock.ticks())


# --8<-- [end:steadily]
