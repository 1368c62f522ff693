"""A worker pool over a Redis list that can be stopped, and crash, without losing a job.

A job is a bytes string, possibly empty; no two jobs are equal. At rest, each job is in exactly one of four keys:

    READY       list   producers LPUSH new jobs on the left; the **rightmost** job is next
    PROCESSING  list   taken by some pool and not finished yet, the newest on the left; all pools share this list
    DONE        set    the handler returned
    FAILED      set    the handler raised

The Redis client has its own retries off. By default redis-py silently repeats a command whose reply was lost: then
`take` strands a job in PROCESSING, and `give_back` doubles jobs. Its `ConnectionError` is not Python's built-in one.
Use no Lua and no blocking reads (BLMOVE, BRPOP).
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from redis.exceptions import WatchError

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


# --8<-- [end:channel]


async def take(redis: Redis) -> bytes | None:
    """Move the next job from the right end of READY to the left end of PROCESSING, and return it (step 1).

    Use one command, so that no crash and no other pool can come between. Return None immediately if READY is empty.
    """
    return cast("bytes | None", await redis.lmove(READY, PROCESSING, "RIGHT", "LEFT"))


# --8<-- [start:feeder]
async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    """Take jobs and put them into `channel`, in order, until READY is empty or `stop` is set (steps 1, 3 and 4).

    - Step 1: take a job only when the channel has room for it, and leave the others to pools with a free worker.
    - Step 3: close the channel exactly once, however this ends. Errors and cancellation still reach the caller.
    - Step 4: once `stop` is set, begin no further take, even if it was set while you waited for room. A job whose take
      was already on its way still goes into the channel. Pools may share `stop`, so only read it.
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
    """Move `job` from PROCESSING to `outcome`, which is DONE or FAILED (step 2).

    Remove one entry. A second call changes nothing more. Step 5: make both changes visible together, so that no crash
    can leave the job in both or in neither.
    """
    async with redis.pipeline(transaction=True) as pipe:
        pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]  # redis-py's hint knows only str
        pipe.sadd(outcome, job)
        await pipe.execute()


def _check(workers: int) -> None:
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")


async def _handled(handler: Handler, job: bytes) -> None:
    """Await the handler; let the job fail if it ends in CancelledError and nothing has cancelled this worker."""
    try:
        await handler(job)
    except asyncio.CancelledError:
        if asyncio.current_task().cancelling():  # type: ignore[union-attr]
            raise
        raise RuntimeError("a task that the handler awaited was cancelled") from None


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
    _check(workers)

    async def worker() -> None:
        async for job in channel:
            await _run_job(redis, job, partial(_handled, handler), on_failure)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())


# --8<-- [end:worker]


# --8<-- [start:stop]
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
    _check(workers)
    channel: Channel[bytes] = Channel(capacity)
    async with asyncio.TaskGroup() as group:
        group.create_task(work(redis, channel, handler, on_failure, workers=workers))
        group.create_task(feed(redis, channel, stop))


# --8<-- [end:stop]


# --8<-- [start:drain]
async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    """Move `jobs`, oldest first, from PROCESSING back to the right end of READY (step 6).

    Then jobs[0] is next, then jobs[1], and so on, then what READY held before. Other pools' entries stay. A crash
    leaves each job in exactly one of the two, and READY in order. `jobs` may be empty; do not change it.

    Move only what is still in PROCESSING: WATCH it and look. A reaper may have moved a job, and this client may retry.
    """
    async with redis.pipeline(transaction=True) as pipe:
        while True:
            try:
                await pipe.watch(PROCESSING)
                held = await pipe.lrange(PROCESSING, 0, -1)
                pipe.multi()  # type: ignore[no-untyped-call]
                for job in reversed(jobs):
                    if job in held:
                        pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]
                        pipe.rpush(READY, job)
                await pipe.execute()
            except WatchError:
                continue
            return


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
                await _run_job(redis, job, partial(grace.run, partial(_handled, handler)), on_failure)
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
