"""A worker pool over a Redis list that can be stopped, and crash, without losing a job.

A job is a bytes string, different from every other job. At rest, each job is in exactly one of four places, and every
move between them is seen whole or not at all:

    READY       list   producers LPUSH new jobs on the left; the **rightmost** job is next
    PROCESSING  list   taken by some pool and not finished yet, the newest on the left; all pools share this list
    DONE        set    the handler returned
    FAILED      set    the handler raised

DONE and FAILED are sets, so that adding a job a second time changes nothing.

Everything here is asyncio, and the Redis client is passed in. No Lua, no blocking reads (BLMOVE, BRPOP): the pool runs
until READY is empty or it is told to stop, so it never has to wait for a job to appear.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from redis.asyncio import Redis

    Handler = Callable[[bytes], Awaitable[None]]
    OnFailure = Callable[[bytes, Exception], Awaitable[None]]

READY = "pool:ready"
PROCESSING = "pool:processing"
DONE = "pool:done"
FAILED = "pool:failed"

T = TypeVar("T")


# --8<-- [start:channel]
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


# --8<-- [end:channel]


async def take(redis: Redis) -> bytes | None:
    """Take the next job: from the right end of READY to the left end of PROCESSING. Step 1.

    One command does both, so that a crash cannot fall between them and no two pools get the same job.

    Returns:
        The job, or None at once if READY is empty.
    """
    return cast("bytes | None", await redis.lmove(READY, PROCESSING, "RIGHT", "LEFT"))


# --8<-- [start:feeder]
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
        while True:
            await channel.room()
            if stop.is_set():
                return
            job = await take(redis)
            if job is None:
                return
            await channel.put(job)
    finally:
        channel.close()


# --8<-- [end:feeder]


async def acknowledge(redis: Redis, job: bytes, outcome: str) -> None:
    """Move `job` from PROCESSING to `outcome`, which is DONE or FAILED. Step 2; step 5 makes it whole.

    Safe to call again after a lost reply. Step 5: both changes become visible together, so that a crash at any moment
    leaves the job in exactly one of the two.
    """
    async with redis.pipeline(transaction=True) as pipe:
        pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]  # redis-py's hint knows only str
        pipe.sadd(outcome, job)
        await pipe.execute()


def _check(workers: int) -> None:
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")


# --8<-- [start:worker]
async def _run_job(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    try:
        await handler(job)
    except Exception as error:  # noqa: BLE001  (whatever a handler raises is the job's failure, not the pool's)
        await on_failure(job, error)
        await acknowledge(redis, job, FAILED)
    else:
        await acknowledge(redis, job, DONE)


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
        async for job in channel:
            await _run_job(redis, job, handler, on_failure)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())


# --8<-- [end:worker]


# --8<-- [start:stop]
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
    _check(workers)
    channel: Channel[bytes] = Channel(capacity)
    async with asyncio.TaskGroup() as group:
        group.create_task(work(redis, channel, handler, on_failure, workers=workers))
        group.create_task(feed(redis, channel, stop))


# --8<-- [end:stop]


# --8<-- [start:drain]
async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    """Return `jobs`, oldest first, from PROCESSING to the end of READY that they came from. Step 6.

    Afterwards jobs[0] is the next job to be taken, then jobs[1], and so on, and then whatever READY held before. Only
    these jobs move: other entries of PROCESSING belong to other pools. A crash at any moment leaves each job in exactly
    one of READY and PROCESSING. An empty sequence is allowed.
    """
    async with redis.pipeline(transaction=True) as pipe:
        for job in reversed(jobs):
            pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]
            pipe.rpush(READY, job)
        await pipe.execute()


class _CutShort(BaseException):
    """The grace period is over. Not an Exception: neither the job nor the pool has failed."""


class _Grace:
    """How long handlers may still run once `stop` is set. Only they have a limit: an acknowledgement has none."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._over = False
        self._limits: set[asyncio.Timeout] = set()

    async def watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(self._grace_s)
        self._over = True
        for limit in self._limits:
            limit.reschedule(asyncio.get_running_loop().time())

    async def run(self, handler: Handler, job: bytes) -> None:
        if self._over:
            raise _CutShort
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._limits.add(limit)
                try:
                    await handler(job)
                finally:
                    self._limits.discard(limit)
        except Exception:
            if limit.expired():
                raise _CutShort from None
            raise  # the handler's own, a TimeoutError too


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
    _check(workers)
    if grace_s < 0:
        raise ValueError(f"grace_s must be at least 0, got {grace_s}")
    channel: Channel[bytes] = Channel(capacity)
    grace = _Grace(grace_s)
    unfinished: dict[bytes, None] = {}  # in the order taken, which is the order to give back in

    async def worker() -> None:
        async for job in channel:
            unfinished[job] = None
            try:
                await _run_job(redis, job, lambda job: grace.run(handler, job), on_failure)
            except _CutShort:
                continue
            del unfinished[job]

    clock = asyncio.create_task(grace.watch(stop))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
            group.create_task(feed(redis, channel, stop))
    finally:
        clock.cancel()
        await asyncio.wait([clock])
    await give_back(redis, list(unfinished))


# --8<-- [end:drain]
