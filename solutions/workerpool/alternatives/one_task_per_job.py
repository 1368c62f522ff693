"""A third right answer: no standing workers, one task for every job.

A dispatcher waits for a free worker's place, gets a job and starts a task for it. Acknowledgement and giving back look
before they move (WATCH), and so may be repeated or interrupted at any point.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from redis.exceptions import WatchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from redis.asyncio import Redis
    from redis.asyncio.client import Pipeline

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
    return await redis.lmove(READY, PROCESSING, src="RIGHT", dest="LEFT")  # type: ignore[return-value]


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
            if len(channel) >= channel.capacity:  # polls for room: no beauty, and no mistake
                await asyncio.sleep(0.01)
                continue
            job = await take(redis)
            if job is None:
                return
            await channel.put(job)
    finally:
        channel.close()


async def _move(redis: Redis, job: bytes, enter: Callable[[Pipeline], object]) -> None:
    """Take `job` out of PROCESSING and let `enter` queue where it goes, if it is still there."""
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(PROCESSING)
                if job not in await pipe.lrange(PROCESSING, 0, -1):
                    return
                pipe.multi()  # type: ignore[no-untyped-call]
                pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]
                enter(pipe)
                await pipe.execute()
            except WatchError:
                continue
            return


async def acknowledge(redis: Redis, job: bytes, outcome: str) -> None:
    """Move `job` from PROCESSING to `outcome`, which is DONE or FAILED. Step 2; step 5 makes it whole.

    Safe to call again after a lost reply. Step 5: both changes become visible together, so that a crash at any moment
    leaves the job in exactly one of the two.
    """
    await _move(redis, job, lambda pipe: pipe.sadd(outcome, job))


async def _run(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    error = None
    try:
        await handler(job)
    except Exception as raised:  # noqa: BLE001
        error = raised
    if error is not None:
        await on_failure(job, error)
    await acknowledge(redis, job, DONE if error is None else FAILED)


async def _dispatch(channel: Channel[bytes], workers: int, run: Callable[[bytes], Awaitable[None]]) -> None:
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    places = asyncio.Semaphore(workers)

    async def one(job: bytes) -> None:
        try:
            await run(job)
        finally:
            places.release()

    async with asyncio.TaskGroup() as group:
        while True:
            await places.acquire()  # before the get: a job in the dispatcher's hand would be one too many
            try:
                job = await channel.get()
            except ChannelClosed:
                return
            group.create_task(one(job))


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
    await _dispatch(channel, workers, lambda job: _run(redis, job, handler, on_failure))


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
    channel: Channel[bytes] = Channel(capacity)
    feeder = asyncio.create_task(feed(redis, channel, stop))
    try:
        await work(redis, channel, handler, on_failure, workers=workers)
        await feeder
    finally:
        feeder.cancel()
        await asyncio.wait([feeder])


async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    """Return `jobs`, oldest first, from PROCESSING to the end of READY that they came from. Step 6.

    Afterwards jobs[0] is the next job to be taken, then jobs[1], and so on, and then whatever READY held before. Only
    these jobs move: other entries of PROCESSING belong to other pools. A crash at any moment leaves each job in exactly
    one of READY and PROCESSING. An empty sequence is allowed.
    """
    for job in reversed(jobs):
        await _move(redis, job, lambda pipe, job=job: pipe.rpush(READY, job))  # type: ignore[misc]


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
    if grace_s < 0:
        raise ValueError(f"grace_s must be at least 0, got {grace_s}")
    channel: Channel[bytes] = Channel(capacity)
    left: dict[bytes, None] = {}
    handling: set[asyncio.Future[None]] = set()
    cut: set[asyncio.Future[None]] = set()
    over = False

    async def run(job: bytes) -> None:
        left[job] = None
        if over:
            return
        handler_task = asyncio.ensure_future(handler(job))
        handling.add(handler_task)
        try:
            await asyncio.wait([handler_task])
        finally:
            handling.discard(handler_task)
            if not handler_task.done():  # the pool itself is cancelled
                handler_task.cancel()
                await asyncio.wait([handler_task])
        if handler_task.cancelled() or (handler_task in cut and handler_task.exception() is not None):
            return

        async def outcome(_job: bytes) -> None:
            handler_task.result()

        await _run(redis, job, outcome, on_failure)
        del left[job]

    async def end() -> None:
        nonlocal over
        await stop.wait()
        await asyncio.sleep(grace_s)
        over = True
        cut.update(task for task in handling if task.cancel())

    ending = asyncio.create_task(end())
    feeder = asyncio.create_task(feed(redis, channel, stop))
    try:
        await _dispatch(channel, workers, run)
        await feeder
    finally:
        for task in (ending, feeder):
            task.cancel()
        await asyncio.wait([ending, feeder])
    await give_back(redis, list(left))
