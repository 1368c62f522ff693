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

    Raises:
        ValueError: `capacity`, the number of items it holds, is below 1.
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
            ChannelClosed: The channel is closed now, or was before.
        """
        await self._until(lambda: self.closed or len(self._items) < self.capacity)
        if self.closed:
            raise ChannelClosed("put on a closed channel")

    async def put(self, item: T) -> None:
        """Add `item` at the end, after waiting for room.

        Raises:
            ChannelClosed: As in `room`. The item is not in the channel.
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
        """Say that nothing more will be put.

        Raises:
            ChannelClosed: The channel is closed already.
        """
        if self.closed:
            raise ChannelClosed("close of a closed channel")
        self.closed = True
        self._changed.set()

    def __aiter__(self) -> Channel[T]:
        """Iterate until the channel is closed and empty."""
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
    """Move the next job from the right end of READY to the left end of PROCESSING, and return it (step 1).

    Use one command, so that no crash and no other pool can come between. Return None immediately if READY is empty.
    """
    return await redis.lmove(READY, PROCESSING, src="RIGHT", dest="LEFT")  # type: ignore[return-value]


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    """Take jobs and put them into `channel`, in order, until READY is empty or `stop` is set (steps 1, 3 and 4).

    - Step 1: take a job only when the channel has room for it, and leave the others to pools with a free worker.
    - Step 3: close the channel exactly once, however this ends. Errors and cancellation still reach the caller.
    - Step 4: once `stop` is set, begin no further take, even if it was set while you waited for room. A job whose take
      was already on its way still goes into the channel. Pools may share `stop`, so only read it.
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
    """Move `job` from PROCESSING to `outcome`, which is DONE or FAILED (step 2).

    Remove one entry. A second call changes nothing more. Step 5: make both changes visible together, so that no crash
    can leave the job in both or in neither.
    """
    await _move(redis, job, lambda pipe: pipe.sadd(outcome, job))


async def _called(handler: Handler, job: bytes) -> None:
    """Call the handler inside a coroutine: it may return any awaitable, and raise before it does."""
    await handler(job)


async def _run(redis: Redis, job: bytes, handler: Handler, on_failure: OnFailure) -> None:
    error: Exception | None = None
    handling = asyncio.ensure_future(_called(handler, job))
    try:
        await asyncio.wait([handling])
    finally:
        if not handling.done():  # this task is cancelled, and the handler with it
            handling.cancel()
            await asyncio.wait([handling])
    if handling.cancelled():
        error = RuntimeError("the handler was cancelled, and nothing cancelled the pool")
    elif isinstance(raised := handling.exception(), Exception):
        error = raised
    else:
        handling.result()
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
    """Run `workers` workers until `channel` is closed and empty and its jobs are acknowledged (step 2).

    Each worker gets a job, awaits `handler(job)`, acknowledges the job, and only then gets the next.

    - `handler` is any callable that returns an awaitable; it may raise before it does.
    - The handler returns, whatever it returns: acknowledge to DONE. Until then its job stays in PROCESSING.
    - The handler raises any Exception: await `on_failure(job, error)` once with that error, then acknowledge to FAILED,
      then get the next job. In the other order, a crash between the two would lose the report. `on_failure` never
      raises.
    - The handler ends in CancelledError though you didn't cancel it; a task that it awaited was. Let the job fail, with
      an Exception of yours, or let `work` end with an error. A TaskGroup takes a cancelled worker for finished.
    - `work` is cancelled: cancel the handlers and wait for them. CancelledError reaches the caller, and the interrupted
      jobs are neither acknowledged nor reported as failed.
    - An acknowledgement fails: `work` ends, and the error reaches the caller. The job has not failed.
    - Only the producer closes the channel: it knows when nothing more will come.
    - However `work` ends, no task that it started is still running.

    Raises:
        ValueError: `workers` is below 1.
    """
    await _dispatch(channel, workers, lambda job: _run(redis, job, handler, on_failure))


async def run_pool(
    redis: Redis, handler: Handler, on_failure: OnFailure, *, workers: int, capacity: int, stop: asyncio.Event
) -> None:
    """Run every job in READY with `workers` workers and a buffer of `capacity`; then return (steps 3, 4 and 5).

    - Step 3: feed and work at the same time, with at most `capacity + workers` jobs of this pool in PROCESSING. Return
      when READY is empty and every job taken is acknowledged. After an error from Redis, stop taking, end, and let the
      error reach the caller. However the pool ends, no task that it started is still running.
    - Step 4: when `stop` is set, take nothing more, finish what was taken, and return. Cancel no handler. Then
      PROCESSING holds nothing of this pool, and READY holds the jobs never taken, in their order.
    - Step 5: several pools may share the keys, and no job is run by two workers. Wherever the pool is cancelled or a
      call to Redis fails, each job is in exactly one key, and DONE has only what a handler has finished.

    Raises:
        ValueError: `workers` or `capacity` is below 1. Check before you start a task, because a TaskGroup would wrap
            the error in an ExceptionGroup.
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
    """Move `jobs`, oldest first, from PROCESSING back to the right end of READY (step 6).

    Then jobs[0] is next, then jobs[1], and so on, then what READY held before. Other pools' entries stay. A crash
    leaves each job in exactly one of the two, and READY in order. `jobs` may be empty; do not change it.

    Move only what is still in PROCESSING: WATCH it and look. A reaper may have moved a job, and this client may retry.
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
    """Run as `run_pool`, but give handlers at most `grace_s` seconds after `stop` is set (step 6).

    For `grace_s` seconds (0 or more) go on as in step 4, and return earlier if everything taken is finished. Then:

    - Start no further handler, and cancel the handlers that run. Let a running `on_failure` finish: its job has failed.
    - Wait until each cancelled handler has ended; it may need time to clean up. Its job has not failed, even if it now
      raises another error, so don't call `on_failure`.
    - Let an acknowledgement on its way finish: a job must not be done *and* ready.
    - Give back every job that was taken and is not finished (running, in the buffer, or just arriving from Redis), in
      its order, and return.

    An error from Redis, or a cancellation of this call, reaches the caller. Each job is still in exactly one key, READY
    in order.

    Raises:
        ValueError: `workers` or `capacity` is below 1, or `grace_s` is below 0; checked as in `run_pool`.
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
        handler_task = asyncio.ensure_future(_called(handler, job))
        handling.add(handler_task)
        try:
            await asyncio.wait([handler_task])
        finally:
            handling.discard(handler_task)
            if not handler_task.done():  # the pool itself is cancelled
                handler_task.cancel()
                await asyncio.wait([handler_task])
        if handler_task in cut and (handler_task.cancelled() or handler_task.exception() is not None):
            return

        async def outcome(_job: bytes) -> None:
            if handler_task.cancelled():
                raise RuntimeError("the handler was cancelled from inside")
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
