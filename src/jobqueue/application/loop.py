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
    """Call `run_once(now)` for ever: again immediately while it returns True, else after the interval.

    A pass that fails is reported, and the next one waits for a full-jitter delay that grows with each failure in a row,
    up to 5 s. So when the store comes back, the loops of all workers don't call it in the same instant.
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
    """Call `run_once(now)` once per interval for ever, however the last pass ended.

    A pass that fails is reported. If a pass gets no answer, it is abandoned after nine tenths of the interval, before
    the next one is due, and reported, too: its answer may never come, and must not hold up later passes.
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
