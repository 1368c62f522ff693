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
    job: bytes | None = await redis.rpoplpush(READY, PROCESSING)  # type: ignore[assignment]
    return job


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    """Take jobs and put them into `channel`, in order, until READY is empty or `stop` is set (steps 1, 3 and 4).

    - Step 1: take a job only when the channel has room for it, and leave the others to pools with a free worker.
    - Step 3: close the channel exactly once, however this ends. Errors and cancellation still reach the caller.
    - Step 4: once `stop` is set, begin no further take, even if it was set while you waited for room. A job whose take
      was already on its way still goes into the channel. Pools may share `stop`, so only read it.
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
    """Move `job` from PROCESSING to `outcome`, which is DONE or FAILED (step 2).

    Remove one entry. A second call changes nothing more. Step 5: make both changes visible together, so that no crash
    can leave the job in both or in neither.
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
        while True:
            try:
                job = await channel.get()
            except ChannelClosed:
                return
            await _handle(redis, job, handler, on_failure)

    await _together(*(worker() for _ in range(workers)))


async def _called(handler: Handler, job: bytes) -> None:
    """Call the handler inside a coroutine: it may return any awaitable, and raise before it does."""
    await handler(job)


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
    _check(workers, capacity)
    pool = _Pool(redis, workers, capacity, stop)

    async def run(job: bytes) -> None:
        await _handle(redis, job, handler, on_failure)

    await _together(pool.fill(), *(pool.drain(run) for _ in range(workers)))


async def give_back(redis: Redis, jobs: Sequence[bytes]) -> None:
    """Move `jobs`, oldest first, from PROCESSING back to the right end of READY (step 6).

    Then jobs[0] is next, then jobs[1], and so on, then what READY held before. Other pools' entries stay. A crash
    leaves each job in exactly one of the two, and READY in order. `jobs` may be empty; do not change it.

    Move only what is still in PROCESSING: WATCH it and look. A reaper may have moved a job, and this client may retry.
    """
    for job in reversed(jobs):  # the newest first: a crash in between leaves a queue in order

        async def plan(pipe: Pipeline, job: bytes = job) -> None:
            held = await pipe.lrange(PROCESSING, 0, -1)  # `transaction` watches the key before it calls this
            pipe.multi()  # type: ignore[no-untyped-call]
            if job in held:
                pipe.lrem(PROCESSING, 1, job)  # type: ignore[arg-type]
                pipe.rpush(READY, job)

        await redis.transaction(plan, PROCESSING)


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
        handling = asyncio.ensure_future(_called(handler, job))
        ending = asyncio.ensure_future(over.wait())
        try:
            await asyncio.wait([handling, ending], return_when=asyncio.FIRST_COMPLETED)
            in_time = handling.done()
        finally:
            ending.cancel()
            handling.cancel()
            await asyncio.wait([handling, ending])
        if not in_time and (handling.cancelled() or handling.exception() is not None):
            return

        async def outcome(_job: bytes) -> None:
            if handling.cancelled():
                raise RuntimeError("the handler was cancelled from inside")
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
