"""Step 1: feed with backpressure."""

from __future__ import annotations

import asyncio

import pytest

from exercises.workerpool.given import FAULTS, Places, jobs_named, names, one_place, places, returned, submit
from exercises.workerpool.workerpool import PROCESSING, READY, Channel, feed, take
from grading import explain
from grading.explain import difference

pytestmark = pytest.mark.step(1, "feed with backpressure")


BLOCKING = {b"BLMOVE", b"BLMPOP", b"BLPOP", b"BRPOP", b"BRPOPLPUSH"}


async def test_take_moves_the_oldest_job(redis, network):
    """take() moves the rightmost job of READY to the left of PROCESSING, and returns None at once if there is none.

    Costs: jobs are lost or overtaken before the pool has even begun.
    """
    raw = network.raw()
    await submit(raw, jobs_named(3))
    first, second = await take(redis), await take(redis)
    now = await places(raw)
    assert (first, second) == (b"job-1", b"job-2"), explain(
        called="take(redis) twice, after LPUSH job-1, job-2, job-3",
        got=f"{first!r}, {second!r}",
        expected="b'job-1', b'job-2': the rightmost of READY is next",
        costs="the newest job is served first, and under load the oldest one is never served",
    )
    assert (now.ready, now.processing) == ([b"job-3"], [b"job-2", b"job-1"]), explain(
        called="take(redis) twice, after LPUSH job-1, job-2, job-3",
        got=now,
        expected=Places([b"job-3"], [b"job-2", b"job-1"], [], []),
        costs="a job that is in neither list while it runs is gone when the worker dies",
    )
    await take(redis)
    nothing = await take(redis)
    blocking = {one.command[0].upper() for one in network.recording} & BLOCKING
    # The fake server answers a blocking read at once; a real one would not.
    assert not blocking, explain(
        called="take(redis) with READY empty",
        got=f"{names(sorted(blocking))} waits for a job",
        expected="None immediately, from a command that doesn't wait",
        costs="a stopped pool hangs in take(), and a finished batch never ends",
    )
    assert nothing is None, explain(
        called="take(redis) with READY empty",
        got=nothing,
        expected="None",
        costs="the feeder cannot tell that the queue is empty, and the pool never ends",
    )


@pytest.mark.parametrize("capacity", [1, 3])
async def test_feed_takes_only_what_there_is_room_for(redis, network, capacity):
    """feed() takes a job only when the channel has room for it.

    Costs: jobs that one pool has no place for are out of reach for the pools that have.
    """
    raw = network.raw()
    await submit(raw, jobs_named(8))
    channel = Channel(capacity)
    feeder = asyncio.create_task(feed(redis, channel, asyncio.Event()))
    for got in range(4):
        await asyncio.sleep(5)
        called = f"feed(redis, Channel({capacity}), stop) with 8 jobs in READY, while consumers got {got}"
        if feeder.done():
            await returned(called, feeder)
        taken = await raw.llen(PROCESSING)
        assert taken <= capacity + got, explain(
            called=called,
            got=f"{taken} jobs taken",
            expected=f"at most {capacity + got}: {capacity} in the channel, {got} with consumers",
            costs="every pool holds jobs that it has no place for; they wait there while another pool has workers free",
        )
        assert taken == capacity + got, explain(
            called=called,
            got=f"{taken} jobs taken, five seconds later",
            expected=f"{capacity + got}: the channel has room",
            costs="the buffer stays empty, and every worker waits for Redis before each job",
        )
        await channel.get()
    feeder.cancel()
    await asyncio.wait([feeder])


@pytest.mark.parametrize("count", [0, 1, 7])
async def test_feed_hands_over_every_job_in_order_and_ends(redis, network, count):
    """feed() puts every job into the channel, oldest first, and returns when READY is empty.

    Costs: a pool that never ends keeps its process up, idle and unnoticed.
    """
    raw, jobs = network.raw(), jobs_named(count)
    await submit(raw, jobs)
    channel, seen = Channel(2), []
    feeder = asyncio.create_task(feed(redis, channel, asyncio.Event()))
    while len(seen) < count:
        getter = asyncio.create_task(channel.get())
        await asyncio.wait([getter], timeout=5)
        if not getter.done():
            getter.cancel()
            break
        seen.append(getter.result())
    called = f"feed(redis, Channel(2), stop) with {count} jobs in READY"
    await returned(called, feeder)
    assert seen == jobs, explain(
        called=called,
        got=f"the channel gave {names(seen)}",
        expected=names(jobs),
        diff=difference(seen, jobs),
    )


async def test_feed_takes_what_arrives_meanwhile(redis, network):
    """feed() ends when READY is empty: jobs that came in while it ran are taken like the others.

    Costs: what comes in while the pool runs waits for the next one to be started.
    """
    raw, jobs = network.raw(), jobs_named(5)
    await submit(raw, jobs[:2])
    channel, seen = Channel(1), []
    feeder = asyncio.create_task(feed(redis, channel, asyncio.Event()))
    await asyncio.sleep(1)
    await submit(raw, jobs[2:])
    while len(seen) < len(jobs):
        getter = asyncio.create_task(channel.get())
        await asyncio.wait([getter], timeout=5)
        if not getter.done() or getter.exception() is not None:
            getter.cancel()
            break
        seen.append(getter.result())
    called = (
        "feed(redis, Channel(1), stop) with job-1, job-2 in READY; job-3, job-4, job-5 arrive while it waits for room"
    )
    await returned(called, feeder)
    assert seen == jobs, explain(
        called=called,
        got=f"the channel gave {names(seen)}",
        expected=names(jobs),
        costs="jobs that arrive while the pool runs wait until another one is started",
    )


async def test_empty_job_is_a_job(redis, network):
    """A job may be the empty bytes string, or no text at all; only None means that READY is empty.

    Costs: one odd job blocks everything behind it.
    """
    jobs = [b"job-1", b"", b"\xff\x00", b"job-2"]
    await submit(network.raw(), jobs)
    channel = Channel(5)
    called = f"feed(redis, Channel(5), stop), with the jobs {', '.join(map(repr, jobs))} in READY"
    await returned(called, feed(redis, channel, asyncio.Event()))
    got = [await channel.get() for _ in range(len(channel))]
    assert got == jobs, explain(
        called=called,
        got=f"in the channel: {got}",
        expected=f"in the channel: {jobs}",
        costs="one odd job stops every pool that takes it",
    )


async def test_take_is_one_move(network):
    """Wherever take() breaks off, each job is in READY or in PROCESSING, once, and a job that it returns is its own.

    Costs: a job is in nobody's list, and nobody will ever run it.
    """
    jobs = jobs_named(2)
    for effect in (*FAULTS, "cancelled"):
        async for trial in network.every_point(effect):
            await submit(trial.raw(), jobs)
            outcome = await trial.attempt(take(trial.redis))
            now, called = await places(trial.raw()), f"take(redis), {trial.broke}"
            one_place(now, jobs, called)
            assert outcome.broken or now.processing == [outcome.value], explain(
                called=called,
                got=f"it returned {outcome.value!r} ({now})",
                expected="the ConnectionError (or the CancelledError), or the job that is in processing now",
                costs="a job is in processing and no worker knows of it",
            )
    others = []

    async def taken(trial):
        others.append(await trial.raw().lmove(READY, PROCESSING, "RIGHT", "LEFT"))

    async for trial in network.every_point(deed=taken, client="redis"):
        others.clear()
        await submit(trial.raw(), jobs)
        got = await take(trial.redis)
        now = await places(trial.raw())
        called = "take(redis); meanwhile another pool takes job-1 or job-2"
        assert got not in others, explain(
            called=called,
            got=f"{got!r}, as the other pool did ({now})",
            expected="the other one of the two jobs",
            costs="two workers charge the same customer",
        )
        one_place(now, jobs, called)
