"""Step 3: close once, by the producer."""

from __future__ import annotations

import asyncio

import pytest

from exercises.workerpool.given import (
    LIMIT_S,
    CountingChannel,
    Floor,
    from_redis,
    jobs_named,
    left_running,
    names,
    no_task_left,
    one_place,
    outcome_of,
    places,
    redis_error,
    returned,
    submit,
)
from exercises.workerpool.workerpool import PROCESSING, feed, run_pool, work
from grading import explain
from grading.checks import ended, refused

pytestmark = pytest.mark.step(3, "close once, by the producer")


@pytest.mark.parametrize("ending", ["READY empty", "stop set", "Redis fails", "cancelled"])
async def test_feeder_closes_the_channel_once(redis, network, ending):
    """feed() closes the channel exactly once, however it ends, and passes errors and cancellation on.

    Costs: the workers wait for ever for a feeder that is gone.
    """
    raw, channel, stop = network.raw(), CountingChannel(10), asyncio.Event()
    await submit(raw, jobs_named(3))
    if ending == "stop set":
        stop.set()
    if ending == "Redis fails":
        network.fail_at(3)
    task = asyncio.create_task(feed(redis, channel, stop))
    if ending == "cancelled":
        network.cancel_at(3, task=task)
    called = f"feed(redis, channel, stop), ended by: {ending}"
    await ended(called, task, LIMIT_S)
    error = asyncio.CancelledError("cancelled") if task.cancelled() else task.exception()
    if error is not None and not (isinstance(error, asyncio.CancelledError) or from_redis(error)):
        raise error
    assert (channel.closes, channel.closed) == (1, True), explain(
        called=called,
        got=f"close called {channel.closes} times",
        expected="once",
        costs="every worker waits for ever, and the process never exits" if channel.closes == 0 else None,
    )
    wanted = {"Redis fails": redis_error, "cancelled": asyncio.CancelledError}.get(ending)
    assert (error is None) == (wanted is None), explain(
        called=called,
        got="it returned" if error is None else error,
        expected="it returns" if wanted is None else type(wanted()).__name__,
        costs="a pool that ends in silence when Redis is down looks like a queue that is empty",
    )


async def test_workers_never_close_the_channel(redis, network):
    """Consumers do not close: only the producer knows that nothing more will come.

    Costs: the feeder's put fails, with a job in its hand.
    """
    raw = network.raw()
    jobs, floor = jobs_named(4), Floor(errors={b"job-2": ValueError("bad")})
    channel = CountingChannel(10)
    task = asyncio.create_task(work(redis, channel, floor.handler, floor.on_failure, workers=2))
    called = "work(…, workers=2), while the producer pauses"
    for job in jobs:
        await raw.lpush(PROCESSING, job)
        await channel.put(job)
        await asyncio.sleep(5)
        if task.done():
            await returned(called, task)
        assert (channel.closes, task.done()) == (0, False), explain(
            called=called,
            got="the channel was closed" if channel.closes else "work returned",
            expected="the workers wait for the next job",
            costs="the feeder's next put fails, and the job that it has taken is lost to the pool",
        )
    channel.close()
    await returned(called, task)
    assert (channel.closes, sorted(floor.started)) == (1, jobs), explain(
        called="work(…, workers=2), after the producer closed the channel",
        got=f"close called {channel.closes} times; started: {names(floor.started)}",
        expected="closed by the producer alone, and all four jobs started",
        costs=None,
    )


@pytest.mark.parametrize(("count", "workers", "capacity"), [(0, 2, 1), (1, 3, 2), (9, 2, 3), (5, 1, 1)])
async def test_pool_runs_everything_and_ends(redis, network, count, workers, capacity):
    """run_pool() runs every job in READY and returns, with at most capacity + workers jobs taken at any moment.

    Costs: a batch never ends, or ends with jobs left.
    """
    raw, jobs, most = network.raw(), jobs_named(count), 0
    floor = Floor(errors={b"job-2": ValueError("bad")})

    async def handler(job):
        nonlocal most
        await asyncio.sleep(0.5)
        most = max(most, await raw.llen(PROCESSING))
        await floor.handler(job)

    await submit(raw, jobs)
    called = f"run_pool(…, workers={workers}, capacity={capacity}) with {count} jobs in READY"
    await returned(
        called,
        run_pool(redis, handler, floor.on_failure, workers=workers, capacity=capacity, stop=asyncio.Event()),
    )
    now = await places(raw)
    assert (sorted(now.done + now.failed), now.ready + now.processing) == (jobs, []), explain(
        called=called,
        got=now,
        expected=f"ready: nothing; processing: nothing; done and failed: {names(jobs)}",
        costs="jobs are left behind though the pool has returned",
    )
    assert sorted(floor.started) == jobs, explain(
        called=called,
        got=f"handlers started for {names(sorted(floor.started))}",
        expected=f"once for each of {names(jobs)}",
        costs="a job is acknowledged that hasn't run"
        if len(floor.started) < len(jobs)
        else "a job is run more often than needed",
    )
    assert most <= capacity + workers, explain(
        called=called,
        got=f"{most} jobs in PROCESSING at once",
        expected=f"at most {capacity + workers}",
        costs="one pool holds jobs that it can't run, while others are idle",
    )
    no_task_left(await left_running(), called)


@pytest.mark.parametrize("point", [1, 4, 5])
async def test_feeder_that_fails_ends_the_pool(redis, network, point):
    """When a take fails, run_pool() raises that error; it does not hang, and nothing goes on behind it.

    Costs: the process is up, its health check green, and nothing is done.
    """
    raw, floor, jobs = network.raw(), Floor(lasts_s=5, cleans_s=1), jobs_named(6)
    await submit(raw, jobs)
    network.fail_at(point)
    called = "run_pool(…, workers=3, capacity=2), the connection breaks in a take"
    pool = run_pool(redis, floor.handler, floor.on_failure, workers=3, capacity=2, stop=asyncio.Event())
    error = await outcome_of(called, pool, network)
    assert error is not None, explain(
        called=called,
        got=f"it returned as if all were well ({await places(raw)})",
        expected="the ConnectionError, as it is or in an ExceptionGroup",
        costs="a pool that ends in silence when Redis is down looks like a queue that is empty",
    )
    no_task_left(await left_running(), called)
    one_place(await places(raw), jobs, called)


@pytest.mark.parametrize("workers", [1, 2])
async def test_worker_that_fails_ends_the_pool(redis, network, workers):
    """When an acknowledgement fails, run_pool() raises that error though the feeder waits for room, and takes no more.

    Costs: the process is up, its health check green, and nothing is done.
    """
    raw, jobs = network.raw(), jobs_named(15)
    floor = Floor(lasts_s=lambda job: 3.0 if job == jobs[1] else 1.0)  # where there is another worker, it is at work
    await submit(raw, jobs)
    called = (
        f"run_pool(…, workers={workers}, capacity=1) with 15 jobs of 1 s, the second of 3 s; the first acknowledgement "
        "fails"
    )
    pool = run_pool(redis, floor.handler, floor.on_failure, workers=workers, capacity=1, stop=asyncio.Event())
    asyncio.get_running_loop().call_later(0.5, network.fail_at, 1)
    error = await outcome_of(called, pool, network)
    now = await places(raw)
    assert error is not None, explain(
        called=called,
        got=f"it returned as if all were well ({now})",
        expected="the ConnectionError, as it is or in an ExceptionGroup",
        costs="jobs are stranded in processing, and no log line says so",
    )
    assert len(now.ready) > len(jobs) // 2, explain(
        called=called,
        got=f"{len(jobs) - len(now.ready)} jobs were taken before the error came out",
        expected="the pool ends: it takes no more, finishes or cancels what runs, and the error comes out",
        costs="a pool that cannot acknowledge runs the whole backlog before its caller learns of it",
    )
    no_task_left(await left_running(), called)
    one_place(now, jobs, called)


async def test_pool_ends_though_handlers_end_in_cancelled_error(redis, network):
    """run_pool() ends though handlers end in CancelledError, and says what became of their jobs."""
    raw, jobs = network.raw(), jobs_named(9)
    floor = Floor(errors=dict.fromkeys(jobs[:2], asyncio.CancelledError()))
    await submit(raw, jobs)
    called = "run_pool(…, workers=2, capacity=2), 9 jobs; the first two handlers: a task that it awaits is cancelled"
    stop = asyncio.Event()
    pool = run_pool(redis, floor.handler, floor.on_failure, workers=2, capacity=2, stop=stop)
    task = await ended(called, pool, LIMIT_S)
    if not task.cancelled() and isinstance(task.exception(), NotImplementedError):
        await task
    now = await places(raw)
    if task.cancelled() or task.exception() is not None:
        one_place(now, jobs, called)
    else:
        assert sorted([*now.done, *now.failed]) == jobs, explain(
            called=f"{called}; it returned without an error",
            got=now,
            expected="every job in done or failed",
            costs="jobs are stranded in processing, and no log line says so",
        )


async def test_impossible_sizes_are_errors(redis, network):
    """workers=0 and capacity=0 raise ValueError, and no job is taken.

    Costs: a mistyped setting starts a pool that takes jobs and runs none.
    """
    raw, floor = network.raw(), Floor()
    network.latency(max_s=0)  # what a feeder begins, it has
    await submit(raw, jobs_named(2))
    for sizes in ({"workers": 0, "capacity": 1}, {"workers": 1, "capacity": 0}):
        called = f"run_pool(…, {', '.join(f'{name}={value}' for name, value in sizes.items())})"
        await refused(
            called,
            run_pool(redis, floor.handler, floor.on_failure, **sizes, stop=asyncio.Event()),
            why="workers and capacity must be at least 1",
        )
        taken = (await places(raw)).processing
        assert not taken, explain(
            called=called,
            got=f"taken: {names(taken)}",
            expected="nothing is taken",
            costs="each attempt to start the pool leaves a job in processing",
        )
