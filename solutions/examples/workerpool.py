"""A worker pool that cannot take more than it can hold, whose producer alone closes the channel, and that drains.

Run it: `python solutions/examples/workerpool.py`. Standard library only. `asyncio.Queue` has no shutdown before Python
3.13, so the channel here is a small class of its own. The lesson of Day 136 works another example.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field


class ClosedError(Exception):
    """The channel is closed: nothing more goes in, or nothing more will come out."""


class Channel:
    """Hands items from one producer to many consumers; holds at most `capacity` of them."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self._capacity = capacity
        self._items: deque[int] = deque()
        self._closed = False
        self._changed = asyncio.Condition()

    async def room(self) -> None:
        """Wait until an item fits in, or the channel is closed: this wait is the backpressure."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)

    async def put(self, item: int) -> None:
        """Add an item, waiting for room."""
        await self.room()
        async with self._changed:
            if self._closed:
                raise ClosedError("put on a closed channel")
            self._items.append(item)
            self._changed.notify_all()

    async def get(self) -> int:
        """Take the oldest item. What was put before the close still comes out; then ClosedError."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or bool(self._items))
            if not self._items:
                raise ClosedError("the channel is closed and empty")
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    async def close(self) -> None:
        """Say that nothing more will come. Only the producer may, and once: anybody else could cut it off mid-put."""
        async with self._changed:
            if self._closed:
                raise ClosedError("close of a closed channel")
            self._closed = True
            self._changed.notify_all()


@dataclass
class Pool:
    """What the feeder and the workers share, and what can be counted about them afterwards."""

    source: deque[int]
    channel: Channel
    stop_after: int = 10**9
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    done: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    taken: int = 0
    most_in_flight: int = 0

    async def feed(self) -> None:
        """Move jobs into the channel, each only when there is room for it, until the end or a stop; then close."""
        try:
            while self.source:
                await self.channel.room()
                if self.stop.is_set():
                    break
                item = self.source.popleft()
                self.taken += 1
                self.most_in_flight = max(self.most_in_flight, self.taken - len(self.done) - len(self.failed))
                await self.channel.put(item)
        finally:
            await self.channel.close()

    async def work(self) -> None:
        """Handle jobs until the channel is closed and empty. A handler that raises costs its job, not the worker."""
        while True:
            try:
                item = await self.channel.get()
            except ClosedError:
                return
            try:
                await handle(item)
            except Exception:  # noqa: BLE001 - whatever a handler raises is the job's failure, not the pool's
                self.failed.append(item)
            else:
                self.done.append(item)
            if len(self.done) + len(self.failed) >= self.stop_after:
                self.stop.set()


async def handle(item: int) -> None:
    """Let others run once; every seventh job is one that nobody can handle."""
    await asyncio.sleep(0)
    if item % 7 == 0:
        raise ValueError(f"job {item} cannot be handled")


async def run(jobs: int, workers: int, capacity: int, stop_after: int = 10**9) -> Pool:
    """Run a pool to its end. Once `stop_after` jobs are finished it takes no more, and finishes what it has taken.

    Nothing is cancelled: the feeder closes, the workers empty the channel and leave, the group waits for all.
    """
    pool = Pool(deque(range(1, jobs + 1)), Channel(capacity), stop_after)
    async with asyncio.TaskGroup() as group:
        group.create_task(pool.feed())
        for _ in range(workers):
            group.create_task(pool.work())
    return pool


def main() -> None:
    """Run one pool to the end of its work and stop another in the middle, and print what became of the jobs."""
    whole = asyncio.run(run(jobs=50, workers=3, capacity=4))
    print(f"done: {len(whole.done)}, failed: {len(whole.failed)}, most in flight: {whole.most_in_flight}")
    part = asyncio.run(run(jobs=50, workers=3, capacity=4, stop_after=10))
    finished = len(part.done) + len(part.failed)
    print(f"drained: taken {part.taken}, finished {finished}, left {len(part.source)}, lost {part.taken - finished}")


if __name__ == "__main__":
    main()
