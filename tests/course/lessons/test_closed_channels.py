"""What the recall page on closed channels claims, with the exercise's own Channel and with asyncio.Queue."""

import asyncio
import runpy
import sys
from pathlib import Path

import fakeredis
import pytest

from solutions.workerpool.workerpool import PROCESSING, READY, Channel, ChannelClosed, feed, work

EXAMPLES = Path(__file__).parents[3] / "solutions/examples/lessons"


async def ended_by_one_close(consumers):
    """Let so many consumers wait at one channel, close it once, and count those that ended."""
    channel = Channel(1)

    async def consume():
        async for _ in channel:
            pass

    tasks = [asyncio.create_task(consume()) for _ in range(consumers)]
    await asyncio.sleep(0)
    channel.close()
    await asyncio.wait(tasks)
    return len(tasks)


def test_only_the_producer_closes_and_capacity_is_the_backpressure():
    """Workers never close the channel, the feeder closes it once, and a full channel holds the feeder back.

    Did: fed ten jobs through a channel of capacity 2; first without workers, then with three, counting calls of close.
    Saw: without workers, two jobs left Redis and no more; with them, all ten ran, and the feeder closed, once.
    Otherwise: a third job would have been taken from Redis, or close would have been called by a worker, and raised.
    """

    class Counting(Channel):
        closed_by = ()

        def close(self):
            self.closed_by += (asyncio.current_task().get_name(),)
            super().close()

    async def scenario():
        ran = []

        async def handler(job):
            ran.append(job)

        async def on_failure(job, error):
            raise AssertionError(f"{job!r} failed: {error}")

        async with fakeredis.FakeAsyncRedis() as redis:
            for number in range(10):
                await redis.lpush(READY, f"job-{number}")
            channel = Counting(2)
            feeder = asyncio.create_task(feed(redis, channel, asyncio.Event()), name="feeder")
            for _ in range(200):
                await asyncio.sleep(0)
            held_back = (await redis.llen(PROCESSING), await redis.llen(READY), feeder.done())
            await work(redis, channel, handler, on_failure, workers=3)
            await feeder
        return held_back, sorted(ran), channel.closed_by

    held_back, ran, closed_by = asyncio.run(scenario())
    assert held_back == (2, 8, False)
    assert ran == [f"job-{number}".encode() for number in range(10)]
    assert closed_by == ("feeder",)


def test_closed_channel_gives_what_it_holds_and_then_says_that_it_is_closed():
    """Close does not throw away what is in the buffer; a receive after that answers at once.

    Did: put two items, closed the channel, and received three times.
    Saw: both items, then ChannelClosed at once; `async for` over such a channel ends without an error.
    Otherwise: the items would be lost, or the third receive would wait forever.
    """

    async def scenario():
        channel = Channel(2)
        await channel.put("a")
        await channel.put("b")
        channel.close()
        got = [await channel.get(), await channel.get()]
        with pytest.raises(ChannelClosed):
            await asyncio.wait_for(channel.get(), 0.1)
        return got, [item async for item in channel]

    assert asyncio.run(scenario()) == (["a", "b"], [])


def test_close_wakes_every_waiting_consumer():
    """Close is a broadcast.

    Did: let five consumers wait at an empty channel, and closed it once.
    Saw: all five ended.
    Otherwise: some would still wait, and this test would not end.
    """
    assert asyncio.run(asyncio.wait_for(ended_by_one_close(5), 5)) == 5


def test_one_sentinel_ends_one_consumer(capsys):
    """A sentinel is not a broadcast: one of them ends one consumer.

    Did: ran the page's program, in which five consumers wait at an asyncio.Queue and one None is put.
    Saw: one of them ended, four still waited.
    Otherwise: all five would end, as with close.
    """
    runpy.run_path(str(EXAMPLES / "one_sentinel.py"))
    assert capsys.readouterr().out == "1 ended, 4 still wait\n"


def test_put_after_close_and_second_close_raise():
    """Sending on a closed channel and closing it again are errors of the program, and say so.

    Did: closed a channel, then put, then closed it again; and closed one while a producer waited for room.
    Saw: ChannelClosed each time, for the waiting producer too, and its item was not in the channel.
    Otherwise: the item would be accepted silently, and no consumer would receive it.
    """

    async def scenario():
        channel = Channel(1)
        channel.close()
        with pytest.raises(ChannelClosed, match="put on a closed channel"):
            await channel.put("late")
        with pytest.raises(ChannelClosed, match="close of a closed channel"):
            channel.close()
        full = Channel(1)
        await full.put("a")
        waiting = asyncio.create_task(full.put("b"))
        await asyncio.sleep(0)
        full.close()
        with pytest.raises(ChannelClosed):
            await waiting
        return [item async for item in full]

    assert asyncio.run(scenario()) == ["a"]


def test_asyncio_queue_can_be_shut_down_since_3_13():
    """`asyncio.Queue.shutdown` came with Python 3.13; before that a queue cannot be closed.

    Did: looked for the method on this Python; where it is, shut a queue down with one item in it.
    Saw: it is there exactly from 3.13 on; there the item still came, and then QueueShutDown was raised.
    Otherwise: 3.11 would have it, or 3.13 would lose the item or wait.
    """
    assert hasattr(asyncio.Queue, "shutdown") == (sys.version_info >= (3, 13))

    async def scenario():
        queue = asyncio.Queue()
        queue.put_nowait("a")
        queue.shutdown()
        first = await queue.get()
        with pytest.raises(asyncio.QueueShutDown):
            await queue.get()
        return first

    if sys.version_info >= (3, 13):
        assert asyncio.run(scenario()) == "a"
