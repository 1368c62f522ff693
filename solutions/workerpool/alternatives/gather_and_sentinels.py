"""A second right answer: tickets, gather and sentinels.

The bound is a semaphore with one ticket for every place that the pool has, taken before a job is and given back after
its acknowledgement; so the queue inside needs no limit. The end is told by one sentinel a worker.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from redis.asyncio import Redis

    Handler = Callable[[bytes], Awaitable[None]]
    OnFailure = Callable[[bytes, Exception], Awaitable[None]]

READY = "pool:ready"
PROCESSING = "pool:processing"
DONE = "pool:done"
FAILED = "pool:failed"

T = TypeVar("T")


class ChannelClosed(Exception):  # noqa: N818
    """Nothing more can be put, or nothing more will come."""


class Channel(Generic[T]):
    """A first-in, first-out buffer between one producer and many consumers. Given: nothing to build here.

    Args:
        capacity: How many items it holds, at least 1.

    Raises:
        ValueError: `capacity` is below 1.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self.capacity = capacity
        self.closed = False
        self._items: deque[T] = deque()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Count the items put and not yet got."""
        return len(self._items)

    async def room(self) -> None:
        """Wait until a `put` would not have to wait. With one producer that stays true until its next `put`.

        Raises:
            ChannelClosed: The channel is closed, or is closed during the wait.
        """
        await self._until(lambda: self.closed or len(self._items) < self.capacity)
        if self.closed:
            raise ChannelClosed("put on a closed channel")

    async def put(self, item: T) -> None:
        """Add `item` at the end, after waiting for room.

        Raises:
            ChannelClosed: The channel is closed, or is closed during the wait. The item is not in it.
        """
        await self.room()
        self._items.append(item)
        self._changed.set()

    async def get(self) -> T:
        """Remove and return the first item, waiting for one. A closed channel first gives what it still holds.

        Raises:
            ChannelClosed: The channel is closed and empty.
        """
        await self._until(lambda: self.closed or len(self._items) > 0)
        if not self._items:
            raise ChannelClosed("the channel is closed and empty")
        item = self._items.popleft()
        self._changed.set()
        return item

    def close(self) -> None:
        """Say that nothing more will be put, and wake everyone who waits.

        Raises:
            ChannelClosed: The channel is closed already.
        """
        if self.closed:
            raise ChannelClosed("close of a closed channel")
        self.closed = True
        self._changed.set()

    def __aiter__(self) -> Channel[T]:
        """Iterate with `async for job in channel`: it ends when the channel is closed and empty."""
        return self

    async def __anext__(self) -> T:
        """Get the next item, or end the iteration."""
        try:
            return await self.get()
        except ChannelClosed:
            raise StopAsyncIteration from None

    async def _until(self, ready: Callable[[], bool]) -> None:
        # One event for every kind of change: each waiter wakes and looks again, so no wake-up is ever missed.
        while not ready():
            self._changed.clear()
            await self._changed.wait()


async def take(redis: Redis) -> bytes | None:
    """Take the next job: from the right end of READY to the left end of PROCESSING. Step 1.

    One command does both, so that a crash cannot fall between them and no two pools get the same job.

    Returns:
        The job, or None at once if READY is empty.
    """
    job: bytes | None = await redis.rpoplpush(READY, PROCESSING)  # type: ignore[assignment]
    return job


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    """Take jobs and put them into `channel`, in order, until READY is empty or `stop` is set. Steps 1, 3 and 4.

    - Step 1: take a job only when the channel has room for it. A job that was taken and cannot be put is one job more
      than the pool has a place for: with N workers, PROCESSING must never hold more than capacity + N of this pool's
      jobs.
    - Step 3: this is the only producer, so it alone closes the channel, exactly once, however it ends: READY empty,
      stop, an error from Redis, cancellation. Errors and cancellation go on to the caller.
    - Step 4: once `stop` is set, begin no further take, even if `stop` was set while waiting for room. A job whose take
      was already on its way still goes into the channel. `stop` is the caller's, who may share it between pools: look
      at it, and neither set nor clear it.
    """
    try:
        while not stop.is_set():
            await channel.room()
            if not stop.is_set():
                job = await take(redis)
                if job is None:
                    break
                await channel.put(job)
    finally:
        channel.close()


async def acknowledge(redis: Redis, job: bytes, outcome: str) -> None:
    """Move `job` from PROCESSING to `outcome`, which is DONE or FAILED. Step 2; step 5 makes it whole.

    Safe to call again after a lost reply. Step 5: both changes become visible together, so that a crash at any moment
    leaves the job in exactly one of the two.
    """
    pipe = redis.pipeline()
    pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]
    pipe.sadd(outcome, job)
    await pipe.execute()


async def _together(*calls: Coroutine[Any, Any, None]) -> None:
    """Gather, but leave nothing behind: when one call fails, cancel the others and wait for them."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _handle(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    outcome = DONE
    try:
        await handler(job)
    except Exception as error:  # noqa: BLE001
        await on_failure(job, error)
        outcome = FAILED
    await acknowledge(redis, job, outcome)


def _check(workers: int, capacity: int = 1) -> None:
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if capacity < 1:
        raise ValueError(f"capacity must be at least 1, got {capacity}")


async def work(redis: Redis, channel: Channel[bytes], handler: Handler, on_failure: OnFailure, *, workers: int) -> None:
    """Run `workers` workers over `channel`; return when it is closed and empty and all of them are through. Step 2.

    Each worker gets a job, awaits `handler(job)` for as long as it takes, acknowledges the job, and only then gets the
    next, so that up to `workers` handlers run at the same time and never more.

    - The handler returns: acknowledge to DONE. Not before: while a handler runs, its job is in PROCESSING.
    - The handler raises an Exception, of whatever kind: `await on_failure(job, error)` once, with that very error, and
      then acknowledge to FAILED. The worker goes on with the next job. (`on_failure` itself is trusted not to raise.)
    - Cancellation is not a failure: it goes on to the caller at once, and the interrupted job is not acknowledged.
    - An error from Redis (in an acknowledgement) goes on to the caller, as it is or in an ExceptionGroup. It is not the
      job's failure. Whether the handlers that run meanwhile are finished or cancelled first is yours to choose.
    - Consumers never close the channel (step 3).
    - However `work` ends, no task that it started is still running.

    Raises:
        ValueError: `workers` is below 1.
    """
    _check(workers)

    async def worker() -> None:
        while True:
            try:
                job = await channel.get()
            except ChannelClosed:
                return
            await _handle(redis, job, handler, on_failure)

    await _together(*(worker() for _ in range(workers)))


class _Pool:
    """A queue of jobs that ends with one None a worker, and tickets for the places that the pool has."""

    def __init__(self, redis: Redis, workers: int, capacity: int, stop: asyncio.Event) -> None:
        self.redis, self.workers, self.stop = redis, workers, stop
        self.jobs: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.tickets = asyncio.Semaphore(capacity + workers)

    async def fill(self) -> None:
        while True:
            await self.tickets.acquire()
            if self.stop.is_set():
                break
            job = await take(self.redis)
            if job is None:
                break
            self.jobs.put_nowait(job)
        for _ in range(self.workers):
            self.jobs.put_nowait(None)

    async def drain(self, run: Callable[[bytes], Awaitable[None]]) -> None:
        while (job := await self.jobs.get()) is not None:
            await run(job)
            self.tickets.release()


async def run_pool(
    redis: Redis, handler: Handler, on_failure: OnFailure, *, workers: int, capacity: int, stop: asyncio.Event
) -> None:
    """Run every job in READY with `workers` workers and a buffer of `capacity`; then return. Steps 3, 4 and 5.

    - Step 3: feed and work at the same time. Return when READY is empty and every job taken is acknowledged. An error
      from Redis, in the feeder or in a worker, ends the pool and reaches the caller, as it is or in an ExceptionGroup:
      never a hang, never silence. However the pool ends, no task that it started is still running.
      (As in `work`: on such an error, finish the handlers that run or cancel them, as you like.)
    - Step 4: when `stop` is set, take nothing more; run what was taken (running or in the buffer) to its end; then
      return. No handler is cancelled. Afterwards PROCESSING holds nothing of this pool, and READY holds exactly the
      jobs that were never taken, in their order.
    - Step 5: several pools may run on the same keys at the same time. No job is run by two workers. If the pool is
      cancelled, at any send or receive, every job is in exactly one of READY, PROCESSING, DONE and FAILED.

    At every moment this pool has at most capacity + workers jobs in PROCESSING.

    Raises:
        ValueError: `workers` or `capacity` is below 1. As it is, not in a group, and nothing is taken: look before you
            start a task.
    """
    _check(workers, capacity)
    pool = _Pool(redis, workers, capacity, stop)

    async def run(job: bytes) -> None:
        await _handle(redis, job, handler, on_failure)

    await _together(pool.fill(), *(pool.drain(run) for _ in range(workers)))


async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    """Return `jobs`, oldest first, from PROCESSING to the end of READY that they came from. Step 6.

    Afterwards jobs[0] is the next job to be taken, then jobs[1], and so on, and then whatever READY held before. Only
    these jobs move: other entries of PROCESSING belong to other pools. A crash at any moment leaves each job in exactly
    one of READY and PROCESSING. An empty sequence is allowed.
    """
    for job in reversed(jobs):  # the newest first: a crash in between leaves a queue in order
        pipe = redis.pipeline()
        pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]
        pipe.rpush(READY, job)
        await pipe.execute()


async def run_pool_with_grace(
    redis: Redis,
    handler: Handler,
    on_failure: OnFailure,
    *,
    workers: int,
    capacity: int,
    stop: asyncio.Event,
    grace_s: float,
) -> None:
    """Run as `run_pool` does, but let stopping take at most `grace_s` seconds of handlers' work. Step 6, stretch.

    For `grace_s` seconds (0 or more) after `stop` is set, go on as in step 4: what was taken, in the buffer too, is run
    and acknowledged. If all of it is finished earlier, return then. When the time is over:

    - start no further handler, and cancel the handlers that still run, but no `on_failure`: its job has failed already;
    - wait until each cancelled handler has really ended: it may need time to clean up. One that raises another error
      then was cut short like the others; one that returns all the same has finished or was cut short, as you like;
    - then give back every job that was taken and is not finished (it was running, in the buffer, or just arriving from
      Redis), as `give_back` says, and return without an error. A job cut short is no failure: `on_failure` is not
      called for it;
    - never give back a job whose acknowledgement is on its way: a job is not done *and* ready.

    An error from Redis reaches the caller, as in `run_pool`; a job that could then be neither acknowledged nor given
    back stays in PROCESSING. Whatever call to Redis fails, before or after taking effect: every job is in exactly one
    place, and the jobs in READY are in their original order.

    Raises:
        ValueError: `workers` or `capacity` is below 1, or `grace_s` is below 0. As in `run_pool`.
    """
    _check(workers, capacity)
    if grace_s < 0:
        raise ValueError(f"grace_s must be at least 0, got {grace_s}")
    pool = _Pool(redis, workers, capacity, stop)
    over = asyncio.Event()
    taken: list[bytes] = []
    finished: set[bytes] = set()

    async def count_down() -> None:
        await stop.wait()
        await asyncio.sleep(grace_s)
        over.set()

    async def run(job: bytes) -> None:
        taken.append(job)
        if over.is_set():
            return
        handling = asyncio.ensure_future(handler(job))
        ending = asyncio.ensure_future(over.wait())
        try:
            await asyncio.wait([handling, ending], return_when=asyncio.FIRST_COMPLETED)
            in_time = handling.done()
        finally:
            ending.cancel()
            handling.cancel()
            await asyncio.wait([handling, ending])
        if handling.cancelled() or (not in_time and handling.exception() is not None):
            return

        async def outcome(_job: bytes) -> None:
            handling.result()

        await _handle(redis, job, outcome, on_failure)
        finished.add(job)

    clock = asyncio.ensure_future(count_down())
    try:
        await _together(pool.fill(), *(pool.drain(run) for _ in range(workers)))
    finally:
        clock.cancel()
        await asyncio.wait([clock])
    await give_back(redis, [job for job in taken if job not in finished])
