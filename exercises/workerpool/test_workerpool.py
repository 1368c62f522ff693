"""Grade the worker pool by what it does to jobs: where each one is, who runs it, and when.

Nothing here asks how the pool is built: tasks in a TaskGroup, gather, queues and sentinels are all the same to it.
"""

import asyncio
from dataclasses import dataclass

import pytest
import redis.exceptions

from exercises.workerpool.workerpool import (
    DONE,
    FAILED,
    PROCESSING,
    READY,
    Channel,
    ChannelClosed,
    acknowledge,
    feed,
    give_back,
    run_pool,
    run_pool_with_grace,
    take,
    work,
)
from grading import Stuck, explain, fail, settle

FAULTS = ("never_arrived", "reply_lost")
BLOCKING = {b"BLMOVE", b"BLMPOP", b"BLPOP", b"BRPOP", b"BRPOPLPUSH"}
TAKING = {b"LMOVE", b"RPOPLPUSH", b"RPOP", b"LMPOP"}
LIMIT_S = 20
"""More virtual seconds than anything here needs, whatever the design; what still runs then polls or waits for ever."""


# What a test arranges and looks at


def jobs_named(count, first=1):
    return [f"job-{number}".encode() for number in range(first, first + count)]


def names(jobs):
    return ", ".join(job.decode() for job in jobs) or "nothing"


@dataclass(repr=False)
class Places:
    """Where every job is. `ready` begins with the job that is next."""

    ready: list
    processing: list
    done: list
    failed: list

    def of(self, job):
        return [name for name, jobs in vars(self).items() for one in jobs if one == job]

    def misplaced(self, jobs):
        """Describe the jobs that are in no place, or in more than one."""
        return "; ".join(
            f"{job.decode()} in {' and '.join(self.of(job)) or 'no place'}" for job in jobs if len(self.of(job)) != 1
        )

    def __repr__(self):
        return "; ".join(f"{name}: {names(jobs)}" for name, jobs in vars(self).items())


async def places(raw):
    pipe = raw.pipeline(transaction=False)
    pipe.lrange(READY, 0, -1)
    pipe.lrange(PROCESSING, 0, -1)
    pipe.smembers(DONE)
    pipe.smembers(FAILED)
    try:
        ready, processing, done, failed = await pipe.execute()
    except redis.exceptions.ResponseError as error:
        fail(
            called="READY and PROCESSING read as lists, DONE and FAILED as sets",
            got=error,
            expected="the four keys of the module, with the types that its docstring gives",
            costs="the dashboards and the reaper that read these keys find nothing, or fail",
        )
    return Places(ready[::-1], processing, sorted(done), sorted(failed))


async def submit(raw, jobs):
    """Do what a producer does: LPUSH, so that the first of `jobs` is next."""
    if jobs:
        await raw.lpush(READY, *jobs)


async def in_channel(raw, jobs, *, close=True):
    """Do what a feeder does: the jobs are in PROCESSING and in a channel with room for more."""
    channel = Channel(len(jobs) + 1)
    await raw.lpush(PROCESSING, *jobs)
    for job in jobs:
        await channel.put(job)
    if close:
        channel.close()
    return channel


class Floor:
    """A handler and an `on_failure` that remember what they saw."""

    def __init__(self, *, lasts_s=1.0, errors=None, cleans_s=0.0):
        self.lasts_s = lasts_s  # one number, or a function of the job
        self.cleans_s = cleans_s  # what a cancelled handler needs to clean up
        self.errors = errors or {}
        self.started, self.ended, self.cancelled, self.running = [], [], [], []
        self.peak, self.twice, self.failures = 0, [], []

    async def handler(self, job):
        self.started.append(job)
        if job in self.running:
            self.twice.append(job)
        self.running.append(job)
        self.peak = max(self.peak, len(self.running))
        try:
            await asyncio.sleep(self.lasts_s(job) if callable(self.lasts_s) else self.lasts_s)
            if job in self.errors:
                raise self.errors[job]
            self.ended.append(job)
        except asyncio.CancelledError:
            self.cancelled.append(job)
            if self.cleans_s:
                await asyncio.sleep(self.cleans_s)
            raise
        finally:
            self.running.remove(job)

    async def on_failure(self, job, error):
        self.failures.append((job, error))


class CountingChannel(Channel):
    """A channel that counts calls of `close`."""

    closes = 0

    def close(self):
        self.closes += 1
        super().close()


def from_redis(error):
    """Whether an error, or each one in a group, is a broken connection."""
    return all(
        isinstance(leaf, redis.exceptions.ConnectionError | redis.exceptions.WatchError) for leaf in leaves_of(error)
    )


async def through(called, call, limit_s=LIMIT_S):
    """Run a call as a task until it has ended, however it did; give up on one that polls or waits for ever."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(call)

    def give_up():
        try:
            loop.give_up(f"still running {limit_s} virtual seconds later: it polls, or waits for what nobody will do")
        except Stuck as stuck:
            stuck.asked = (__file__, 0, called)
            raise

    clock = loop.call_later(limit_s, give_up)
    await asyncio.wait([task])
    clock.cancel()
    return task


async def returned(called, call, limit_s=LIMIT_S):
    """Run a call to its end; fail if it raised."""
    task = await through(called, call, limit_s)
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is None:
        return
    leaves = leaves_of(error)
    if any(
        isinstance(leaf, NotImplementedError) or not isinstance(leaf, Exception | asyncio.CancelledError)
        for leaf in leaves
    ):
        raise error
    message = explain(
        called=called,
        got="; ".join(f"{type(leaf).__name__}: {leaf}".removesuffix(": ") for leaf in leaves),
        expected="it returns",
        costs="an error that nobody expects ends the pool, with every job that it holds",
    )
    # With the traceback of the learner's own lines, which the report shows.
    raise AssertionError(message).with_traceback(leaves[0].__traceback__)


def leaves_of(error):
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves_of(inner)]
    return [error]


async def outcome_of(called, call, network, *, cancel_at=None):
    """Run a call to its end; return the broken connection or the cancellation that ended it, None if it returned."""
    task = asyncio.ensure_future(call)
    if cancel_at is not None:
        network.cancel_at(cancel_at, task=task)
    await through(called, task)
    if task.cancelled() and network.fired:
        return asyncio.CancelledError("cancelled")
    error = None if task.cancelled() else task.exception()
    if network.fired and error is not None and from_redis(error):
        return error
    await returned(called, task)
    return None


async def left_running():
    """Name the tasks that are there beside the test itself."""
    await settle()
    return sorted(task.get_coro().__qualname__ for task in asyncio.all_tasks() - {asyncio.current_task()})


def no_task_left(left, called):
    assert not left, explain(
        called=called,
        got=f"still running afterwards: {', '.join(left)}",
        expected="no task of the pool outlives the call",
        costs="the caller closes its connections and exits, and the jobs in these tasks are torn off half done",
    )


def one_place(now, jobs, called):
    assert not now.misplaced(jobs), explain(
        called=called,
        got=f"{now.misplaced(jobs)} ({now})",
        expected="every job in exactly one of ready, processing, done and failed",
        costs="a job in no place is lost without a trace, a job in two is run again although it is finished",
    )


def in_order(ready, called):
    numbers = [int(job.removeprefix(b"job-")) for job in ready]
    assert numbers == sorted(numbers), explain(
        called=called,
        got=f"ready, next job first: {names(ready)}",
        expected="the order in which the jobs were submitted",
        costs="jobs that waited longest are overtaken; given back to the wrong end, they wait behind the whole backlog",
    )


# 1. Feed


@pytest.mark.step(1, "feed with backpressure")
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
        costs="the newest job is served first, and under load the oldest one never",
    )
    assert (now.ready, now.processing) == ([b"job-3"], [b"job-2", b"job-1"]), explain(
        called="take(redis) twice, after LPUSH job-1, job-2, job-3",
        got=now,
        expected="ready: job-3; processing, from the left: job-2, job-1",
        costs="a job that is in neither list while it runs is gone when the worker dies",
    )
    await take(redis)
    nothing = await take(redis)
    blocking = {one.command[0].upper() for one in network.recording} & BLOCKING
    # The fake server answers a blocking read at once; a real one would not.
    assert not blocking, explain(
        called="take(redis) with READY empty",
        got=f"{names(sorted(blocking))} waits for a job",
        expected="None at once, from a command that does not wait",
        costs="a pool that is told to stop sits in its take, and a batch that is through does not end",
    )
    assert nothing is None, explain(
        called="take(redis) with READY empty",
        got=nothing,
        expected="None",
        costs="the feeder cannot tell that the queue is empty, and the pool never ends",
    )


@pytest.mark.step(1, "feed with backpressure")
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


@pytest.mark.step(1, "feed with backpressure")
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
        costs="jobs are overtaken by newer ones, or were taken and are run by nobody",
    )


@pytest.mark.step(1, "feed with backpressure")
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
        costs="a pool counts the queue when it starts, and what comes in later waits for the next one to be started",
    )


@pytest.mark.step(1, "feed with backpressure")
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
        costs="one odd job ends every pool that takes it, and the queue behind it stands still",
    )


@pytest.mark.step(1, "feed with backpressure")
async def test_take_is_one_move(network):
    """Wherever take() breaks off, each job is in READY or in PROCESSING, once, and a job that it returns is its own.

    Costs: a job is in nobody's list, and nobody will ever run it.
    """
    jobs = jobs_named(2)
    for effect in (*FAULTS, "cancelled"):
        async for trial in network.every_point(effect):
            await submit(trial.raw(), jobs)
            outcome = await trial.attempt(take(trial.redis))
            now, called = await places(trial.raw()), f"take(redis), broken at point {trial.point} ({effect})"
            one_place(now, jobs, called)
            assert outcome.broken or now.processing == [outcome.value], explain(
                called=called,
                got=f"it returned {outcome.value!r} ({now})",
                expected="the ConnectionError (or the CancelledError), or the job that is in processing now",
                costs="a job is in processing and no worker knows of it: only a reaper will ever find it",
            )
    others = []

    async def taken(trial):
        others.append(await trial.raw().lmove(READY, PROCESSING, "RIGHT", "LEFT"))

    async for trial in network.every_point(deed=taken, client="redis"):
        others.clear()
        await submit(trial.raw(), jobs)
        got = await take(trial.redis)
        now = await places(trial.raw())
        called = f"take(redis); before point {trial.point} of its talk with Redis another pool takes job-1 or job-2"
        assert got not in others, explain(
            called=called,
            got=f"{got!r}, as the other pool did ({now})",
            expected="the other one of the two jobs",
            costs="two workers charge the same customer",
        )
        one_place(now, jobs, called)


# 2. Work


@pytest.mark.step(2, "workers that survive their jobs")
@pytest.mark.parametrize("outcome", [DONE, FAILED])
async def test_acknowledge_moves_the_job_once(redis, network, outcome):
    """acknowledge() moves one job from PROCESSING to its outcome; called again, it changes nothing.

    Costs: what is done stays in processing and is run again.
    """
    raw = network.raw()
    await raw.lpush(PROCESSING, *jobs_named(3))
    await acknowledge(redis, b"job-2", outcome)
    for calls in ("once", "twice"):
        now = await places(raw)
        wanted = Places([], [b"job-3", b"job-1"], [], [])
        setattr(wanted, "done" if outcome == DONE else "failed", [b"job-2"])
        assert now == wanted, explain(
            called=f"acknowledge(redis, b'job-2', {outcome!r}) {calls}, with job-1, job-2, job-3 in PROCESSING",
            got=now,
            expected=wanted,
            costs="what is left in processing is run again by the reaper, what left it unfinished is lost",
        )
        await acknowledge(redis, b"job-2", outcome)


@pytest.mark.step(2, "workers that survive their jobs")
@pytest.mark.parametrize("workers", [1, 3])
async def test_so_many_workers_so_many_jobs_at_once(redis, network, workers):
    """work() runs `workers` handlers at the same time, never more, and returns when the channel is through.

    Costs: the number of workers in the settings has no effect, or never lets the pool end.
    """
    raw, jobs, floor = network.raw(), jobs_named(7), Floor()
    channel = await in_channel(raw, jobs)
    called = f"work(redis, channel, handler, on_failure, workers={workers}) with 7 jobs of 1 s"
    await returned(called, work(redis, channel, floor.handler, floor.on_failure, workers=workers))
    assert floor.peak == workers, explain(
        called=called,
        got=f"{floor.peak} handlers at once",
        expected=f"{workers}",
        costs="with fewer the queue grows though there is room; with more, the database behind the handlers falls over",
    )
    now = await places(raw)
    assert (now.done, now.processing, floor.running) == (jobs, [], []), explain(
        called=called,
        got=f"{now}; handlers still running: {names(floor.running)}",
        expected="all seven in done when work returns",
        costs="the process exits with jobs half done, and each of them is run again",
    )


@pytest.mark.step(2, "workers that survive their jobs")
async def test_odd_jobs_are_run_like_others(redis, network):
    """The empty bytes string is a job, and so are bytes that are no text.

    Costs: one odd job ends a worker.
    """
    raw, jobs = network.raw(), [b"", b"\xff\x00", b"job-1"]
    floor = Floor(errors={b"\xff\x00": ValueError("bad")})
    called = f"work(…, workers=1) with the jobs {', '.join(map(repr, jobs))}; the handler of the second raises"
    await returned(called, work(redis, await in_channel(raw, jobs), floor.handler, floor.on_failure, workers=1))
    got = [await raw.smembers(DONE), await raw.smembers(FAILED), set(await raw.lrange(PROCESSING, 0, -1))]
    assert got == [{b"", b"job-1"}, {b"\xff\x00"}, set()], explain(
        called=called,
        got=f"done: {got[0] or 'nothing'}; failed: {got[1] or 'nothing'}; processing: {got[2] or 'nothing'}",
        expected="done: the first and the third; failed: the second; processing: nothing",
        costs="one odd job ends a worker, or is taken for the end of the queue",
    )


@pytest.mark.step(2, "workers that survive their jobs")
async def test_long_job_holds_up_one_worker_alone(redis, network):
    """A worker gets its next job when it is through with its own, whatever the others do; a handler may take minutes.

    Costs: one long job stops all workers, or is broken off.
    """
    raw, jobs = network.raw(), jobs_named(6)
    floor = Floor(lasts_s=lambda job: 90 if job == jobs[0] else 1)
    channel = Channel(10)
    task = asyncio.create_task(work(redis, channel, floor.handler, floor.on_failure, workers=2))
    called = "work(…, workers=2), channel open; job-1 lasts 90 s, job-2 to job-5 1 s each"
    for job in jobs[:5]:
        await raw.lpush(PROCESSING, job)
        await channel.put(job)
    await asyncio.sleep(0.5)
    if task.done():
        await returned(called, task)
    assert (sorted(floor.running), len(channel)) == (jobs[:2], 3), explain(
        called=f"{called}; after 0.5 s",
        got=f"running: {names(sorted(floor.running))}; in the channel: {len(channel)}",
        expected="running: job-1, job-2; in the channel: 3. A worker gets a job when it has none",
        costs="jobs are out of the buffer and not run: it has room again, the feeder goes on taking, and one pool "
        "empties the queue into its own memory",
    )
    await asyncio.sleep(10)
    now = await places(raw)
    assert now.done == jobs[1:5], explain(
        called=f"{called}; after 10 s",
        got=now,
        expected="job-2 to job-5 done by the worker that is free, while job-1 runs",
        costs="one long job stops every worker, and the queue grows behind it",
    )
    called += "; job-6, of 1 s too, follows when the channel has been empty for a while"
    await raw.lpush(PROCESSING, jobs[5])
    await channel.put(jobs[5])
    await asyncio.sleep(5)
    now = await places(raw)
    assert now.done == jobs[1:], explain(
        called=f"{called}; 5 s later",
        got=now,
        expected="job-6 done, too: a worker waits while the channel is empty, and ends when it is closed and empty",
        costs="workers end in every short pause of the producer, and at last nobody is left who runs the jobs",
    )
    channel.close()
    await returned(called, task, 100)
    now = await places(raw)
    assert (now.done, floor.cancelled, floor.failures) == (jobs, [], []), explain(
        called=called,
        got=f"{now}; handlers cancelled: {names(floor.cancelled)}",
        expected="all six done: nobody has set a limit for a handler",
        costs="long jobs are broken off by a limit that stands in no specification, and can never be done",
    )


@pytest.mark.step(2, "workers that survive their jobs")
@pytest.mark.parametrize("ending", ["Redis fails", "cancelled"])
async def test_work_ends_after_its_handlers(redis, network, ending):
    """When work() ends by an error or is cancelled, the other handlers have ended too, with what they had to clean up.

    Costs: the caller closes its connections under handlers that still use them.
    """
    raw, jobs = network.raw(), jobs_named(4)
    floor = Floor(lasts_s=lambda job: 1 if job == jobs[0] else 10, cleans_s=2)
    channel = CountingChannel(10)
    for job in jobs:
        await raw.lpush(PROCESSING, job)
        await channel.put(job)
    called = f"work(…, workers=3), ended by: {ending}; handlers that are cancelled need 2 s to clean up"
    task = asyncio.create_task(work(redis, channel, floor.handler, floor.on_failure, workers=3))
    if ending == "Redis fails":
        network.fail_at(1)
    else:
        asyncio.get_running_loop().call_later(0.5, task.cancel)
    await through(called, task, 60)
    error = asyncio.CancelledError("cancelled") if task.cancelled() else task.exception()
    if error is not None and not (isinstance(error, asyncio.CancelledError) or from_redis(error)):
        raise error
    assert error is not None, explain(
        called=called,
        got="it returned",
        expected="the ConnectionError, as it is or in an ExceptionGroup"
        if ending == "Redis fails"
        else "CancelledError",
        costs="whoever called it takes what is left undone for done",
    )
    running = list(floor.running)
    assert not running, explain(
        called=called,
        got=f"handlers that still run: {names(sorted(running))}",
        expected="none: wait for what was cancelled",
        costs="the caller closes its connections, and the handlers that clean up with them fail half-way",
    )
    no_task_left(await left_running(), called)
    assert channel.closes == 0, explain(
        called=called,
        got=f"close called {channel.closes} times",
        expected="never: the channel is the producer's to close, whatever happens to the workers",
        costs="two owners of one channel: the feeder, which closes it too, dies of that instead of the real error",
    )


@pytest.mark.step(2, "workers that survive their jobs")
async def test_job_is_in_processing_while_its_handler_runs(redis, network):
    """A job is acknowledged after its handler returned, not before.

    Costs: a worker that dies in its handler takes the job with it.
    """
    raw, jobs, own, before = network.raw(), jobs_named(3), {}, {}

    async def handler(job):
        if job != jobs[0]:
            previous = jobs[jobs.index(job) - 1]
            before[previous] = (await places(raw)).of(previous)
        await asyncio.sleep(1)
        own[job] = (await places(raw)).of(job)

    called = "work(…, workers=1) with three jobs of 1 s"
    await returned(called, work(redis, await in_channel(raw, jobs), handler, Floor().on_failure, workers=1))
    early = {job.decode(): where for job, where in own.items() if where != ["processing"]}
    assert not early, explain(
        called="work(…, workers=1), looking where each job is while its handler runs",
        got=early,
        expected="in processing, and nowhere else",
        costs="a worker that dies in its handler takes the job with it: that is at most once, whatever the README says",
    )
    late = {job.decode(): where for job, where in before.items() if where != ["done"]}
    assert not late, explain(
        called="work(…, workers=1), looking where each job is when the worker starts on the next",
        got=late,
        expected="in done: a worker acknowledges before it gets another job",
        costs="jobs that are finished pile up unacknowledged, and a crash runs all of them again",
    )


@pytest.mark.step(2, "workers that survive their jobs")
@pytest.mark.parametrize("workers", [1, 2])
async def test_handler_that_raises_does_not_end_the_pool(redis, network, workers):
    """A handler may raise any Exception: on_failure gets it once, then the job goes to FAILED, and the pool goes on.

    Costs: one bad job takes the pool down, and the reaper hands it to the next one.
    """
    raw, jobs = network.raw(), jobs_named(8)
    errors = {
        b"job-1": ValueError("no such user"),
        b"job-2": TimeoutError("the mail server is slow"),
        b"job-4": ChannelClosed("some other channel"),
        b"job-5": redis_error(),
        b"job-6": ExceptionGroup("both failed", [OSError("first"), OSError("second")]),
    }
    floor, before = Floor(errors=errors), []

    async def on_failure(job, error):
        await asyncio.sleep(1)
        before.append((await places(raw)).of(job))
        await floor.on_failure(job, error)

    called = f"work(…, workers={workers}) with five of eight handlers raising"
    await returned(called, work(redis, await in_channel(raw, jobs), floor.handler, on_failure, workers=workers))
    now = await places(raw)
    assert floor.started == jobs, explain(
        called=called,
        got=f"started: {names(floor.started)}",
        expected=f"all: {names(jobs)}",
        costs="one bad job takes a worker down; after a few of them the pool looks alive and does nothing",
    )
    assert sorted(job for job, _ in floor.failures) == sorted(errors), explain(
        called=called,
        got=f"on_failure called for {names(job for job, _ in floor.failures)}",
        expected=f"once for each of {names(errors)}",
        costs="a failure that is not reported is not retried, and a failure reported twice is retried twice",
    )
    other = [job for job, error in floor.failures if error is not errors[job]]
    assert not other, explain(
        called=called,
        got=f"on_failure got another error than the handler raised, for {names(other)}",
        expected="the very exception",
        costs="the dead letter shows a wrapper, and nobody can tell a bad payload from a slow server",
    )
    assert before == [["processing"]] * len(errors), explain(
        called="looking where a job is while on_failure runs",
        got=" / ".join(" and ".join(where) or "no place" for where in before),
        expected="still in processing: on_failure first, acknowledge after it",
        costs="a crash in between, and the job is acknowledged though its failure was never recorded",
    )
    assert (now.failed, now.done, now.processing) == (sorted(errors), [job for job in jobs if job not in errors], []), (
        explain(
            called=called,
            got=now,
            expected=f"failed: {names(errors)}; done: the other three",
            costs="failed jobs look done, or stay in processing and are run again for ever",
        )
    )


def redis_error():
    return redis.exceptions.ConnectionError("the handler's own Redis is down")


@pytest.mark.step(2, "workers that survive their jobs")
async def test_cancelled_work_is_no_failure(redis, network):
    """Cancelling work() ends it as cancelled; the interrupted jobs are neither acknowledged nor reported as failed.

    Costs: shutdown hangs, and jobs are written off as failed at every deploy.
    """
    raw, jobs, floor = network.raw(), jobs_named(4), Floor(lasts_s=20)
    task = asyncio.create_task(work(redis, await in_channel(raw, jobs), floor.handler, floor.on_failure, workers=2))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task], timeout=10)
    ended = (
        "still running ten seconds later"
        if not task.done()
        else "cancelled"
        if task.cancelled()
        else task.exception() or "returned"
    )
    called = "work(…, workers=2), cancelled while two of four jobs run"
    if isinstance(ended, NotImplementedError):
        raise ended
    assert ended == "cancelled", explain(
        called=called,
        got=ended,
        expected="cancelled: the CancelledError goes on to the caller",
        costs="shutdown hangs until the supervisor kills the process",
    )
    now = await places(raw)
    assert (now.done, now.failed, floor.failures) == ([], [], []), explain(
        called=called,
        got=f"{now}; on_failure called for {names(job for job, _ in floor.failures)}",
        expected="nothing done, nothing failed: the jobs stay to be run again",
        costs="every deploy writes the jobs of that moment off as failed",
    )
    no_task_left(await left_running(), called)


@pytest.mark.step(2, "workers that survive their jobs")
async def test_broken_connection_is_not_the_jobs_failure(network):
    """An error from Redis in an acknowledgement ends work() with that error; it is not a failure of the job.

    Costs: a hiccup of the network becomes a failed job, or a pool that stands still.
    """
    for effect in FAULTS:
        async for trial in network.every_point(effect):
            raw, jobs, floor = trial.raw(), jobs_named(2), Floor(errors={b"job-2": ValueError("bad")})
            channel = await in_channel(raw, jobs)
            called = f"work(…, workers=1) with the connection broken at point {trial.point} ({effect})"
            call = work(trial.redis, channel, floor.handler, floor.on_failure, workers=1)
            error = await outcome_of(called, call, trial)
            now = await places(raw)
            assert [job for job, _ in floor.failures] in ([], [b"job-2"]), explain(
                called=called,
                got=f"on_failure called for {names(job for job, _ in floor.failures)}",
                expected="for job-2 at most, once: only its handler raised",
                costs="a job that was done is reported as failed, and done a second time",
            )
            assert b"job-1" not in now.failed, explain(
                called=called,
                got=now,
                expected="job-1 not in failed: its handler returned",
                costs="a hiccup of the network turns finished jobs into dead letters",
            )
            assert error is not None or not now.processing, explain(
                called=called,
                got=f"work returned as if all were well, and left {now}",
                expected="the ConnectionError, as it is or in an ExceptionGroup",
                costs="jobs are stranded in processing, and no log line says so",
            )


@pytest.mark.step(2, "workers that survive their jobs")
async def test_no_workers_is_an_error(redis):
    """workers=0 raises ValueError.

    Costs: a mistyped setting starts a pool that runs nothing.
    """
    for workers in (0, -1):
        channel = Channel(1)
        channel.close()
        call = work(redis, channel, Floor().handler, Floor().on_failure, workers=workers)
        await refused(f"work(…, workers={workers})", call)


async def refused(called, call):
    """Run a call to its end; fail unless it raised ValueError, and no group of errors."""
    task = await through(called, call)
    got = task.exception()
    if isinstance(got, NotImplementedError):
        raise got
    assert not isinstance(got, ExceptionGroup), explain(
        called=called,
        got="an ExceptionGroup of " + ", ".join(f"{type(leaf).__name__}: {leaf}" for leaf in leaves_of(got)),
        expected="ValueError, raised before any task is started",
        costs="the caller's `except ValueError`, which prints how to call it, does not catch the group",
    )
    assert isinstance(got, ValueError), explain(
        called=called,
        got="no error" if got is None else got,
        expected="ValueError",
        costs="a mistyped setting starts a pool that takes jobs and runs none",
    )


# 3. Close


@pytest.mark.step(3, "close once, by the producer")
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
    await through(called, task)
    error = asyncio.CancelledError("cancelled") if task.cancelled() else task.exception()
    if error is not None and not (isinstance(error, asyncio.CancelledError) or from_redis(error)):
        raise error
    assert (channel.closes, channel.closed) == (1, True), explain(
        called=called,
        got=f"close called {channel.closes} times",
        expected="once",
        costs="not closed: every worker waits for ever and the process never exits; closed twice: the pool dies of it",
    )
    wanted = {"Redis fails": redis_error, "cancelled": asyncio.CancelledError}.get(ending)
    assert (error is None) == (wanted is None), explain(
        called=called,
        got="it returned" if error is None else error,
        expected="it returns" if wanted is None else type(wanted()).__name__,
        costs="a pool that ends in silence when Redis is down looks like a queue that is empty",
    )


@pytest.mark.step(3, "close once, by the producer")
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
            costs="the feeder's next put fails, with a job in its hand that is then in nobody's",
        )
    channel.close()
    await returned(called, task)
    assert (channel.closes, sorted(floor.started)) == (1, jobs), explain(
        called="work(…, workers=2), after the producer closed the channel",
        got=f"close called {channel.closes} times; started: {names(floor.started)}",
        expected="closed by the producer alone, and all four jobs started",
        costs="two owners of one channel: sooner or later one closes it while the other puts",
    )


@pytest.mark.step(3, "close once, by the producer")
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
        expected="every job in done or failed, and READY and PROCESSING empty",
        costs="jobs are left behind though the pool says that it is through",
    )
    assert sorted(floor.started) == jobs, explain(
        called=called,
        got=f"handlers started for {names(sorted(floor.started))}",
        expected=f"once for each of {names(jobs)}",
        costs="a job is acknowledged that nobody has run, or is run more often than needed",
    )
    assert most <= capacity + workers, explain(
        called=called,
        got=f"{most} jobs in PROCESSING at once",
        expected=f"at most {capacity + workers}",
        costs="one pool empties the queue into its own memory: the others idle, and its crash strands all of it",
    )
    no_task_left(await left_running(), called)


@pytest.mark.step(3, "close once, by the producer")
@pytest.mark.parametrize("point", [1, 4, 5])
async def test_feeder_that_fails_ends_the_pool(redis, network, point):
    """When a take fails, run_pool() raises that error; it does not hang, and nothing goes on behind it.

    Costs: the process is up, its health check green, and nothing is done.
    """
    raw, floor, jobs = network.raw(), Floor(lasts_s=5, cleans_s=1), jobs_named(6)
    await submit(raw, jobs)
    network.fail_at(point)
    called = f"run_pool(…, workers=3, capacity=2), the connection broken at point {point}, in a take"
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


@pytest.mark.step(3, "close once, by the producer")
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
        costs="a pool that cannot acknowledge runs the whole backlog, and who calls it learns of it at the end",
    )
    no_task_left(await left_running(), called)
    one_place(now, jobs, called)


@pytest.mark.step(3, "close once, by the producer")
async def test_impossible_sizes_are_errors(redis, network):
    """workers=0 and capacity=0 raise ValueError, and no job is taken.

    Costs: a mistyped setting starts a pool that takes jobs and runs none.
    """
    raw, floor = network.raw(), Floor()
    network.latency(max_s=0)  # what a feeder begins, it has
    await submit(raw, jobs_named(2))
    for sizes in ({"workers": 0, "capacity": 1}, {"workers": 1, "capacity": 0}):
        called = f"run_pool(…, {', '.join(f'{name}={value}' for name, value in sizes.items())})"
        await refused(called, run_pool(redis, floor.handler, floor.on_failure, **sizes, stop=asyncio.Event()))
        taken = (await places(raw)).processing
        assert not taken, explain(
            called=called,
            got=f"taken: {names(taken)}",
            expected="nothing is taken",
            costs="each attempt to start the pool strands a job in processing",
        )


# 4. Stop


@pytest.mark.step(4, "stop and lose nothing")
@pytest.mark.parametrize(("workers", "capacity"), [(2, 3), (1, 1)])
async def test_stop_finishes_what_was_taken_and_takes_no_more(redis, network, workers, capacity):
    """After stop, the jobs that were taken are run to their end, and READY keeps the rest, in order.

    Costs: every deploy waits for the supervisor to kill the pool, or loses its jobs.
    """
    raw, jobs, stop = network.raw(), jobs_named(9), asyncio.Event()
    floor = Floor(lasts_s=2)
    await submit(raw, jobs)
    task = asyncio.create_task(
        run_pool(redis, floor.handler, floor.on_failure, workers=workers, capacity=capacity, stop=stop)
    )
    await asyncio.sleep(1)
    at_stop = await places(raw)
    taken = sorted(at_stop.processing)
    called = f"run_pool(…, workers={workers}, capacity={capacity}), stop set while {len(taken)} of 9 jobs are taken"
    if task.done():
        await returned(called, task)
    stop.set()
    await returned(called, task)
    now = await places(raw)
    put_back = len(now.ready) > len(at_stop.ready)
    assert now.ready == at_stop.ready, explain(
        called=called,
        got=f"ready before: {names(at_stop.ready)}; after: {names(now.ready)}",
        expected="READY unchanged: what was taken is run, not put back"
        if put_back
        else "READY unchanged: nothing is taken after stop",
        costs="jobs that were next in line wait again, behind or ahead of others"
        if put_back
        else "a pool told to stop starts new work, and the deploy waits for jobs that another pool could have had",
    )
    assert stop.is_set(), explain(
        called=called,
        got="the event is not set any more",
        expected="the event is only looked at: it belongs to the caller",
        costs="the second pool of the process, which waits for the same event, never hears of the stop",
    )
    assert not floor.cancelled, explain(
        called=called,
        got=f"handlers cancelled: {names(floor.cancelled)}",
        expected="none: what runs is finished",
        costs="every deploy breaks off jobs in the middle, with half of their effects done",
    )
    assert (sorted(now.done + now.failed), now.processing) == (taken, []), explain(
        called=called,
        got=now,
        expected=f"{names(taken)} run and acknowledged, processing empty",
        costs="jobs that were in the buffer stay in processing, where nobody runs them",
    )
    no_task_left(await left_running(), called)


@pytest.mark.step(4, "stop and lose nothing")
async def test_stop_before_the_start_takes_nothing(redis, network):
    """A pool whose stop is set already returns and has taken nothing.

    Costs: a pool that should be gone starts working.
    """
    raw, jobs, stop, floor = network.raw(), jobs_named(3), asyncio.Event(), Floor()
    await submit(raw, jobs)
    stop.set()
    called = "run_pool(…) with stop set before the call"
    await returned(called, run_pool(redis, floor.handler, floor.on_failure, workers=2, capacity=2, stop=stop))
    now = await places(raw)
    assert (now.ready, floor.started) == (jobs, []), explain(
        called=called,
        got=f"{now}; started: {names(floor.started)}",
        expected="all three still in ready",
        costs="a pool that is restarted during a shutdown begins jobs that it has no time for",
    )


@pytest.mark.step(4, "stop and lose nothing")
async def test_stop_waits_for_the_longest_job(redis, network):
    """A job that runs when stop is set is finished, though it takes minutes: the limit is a matter of step 6.

    Costs: every deploy breaks off the long jobs.
    """
    raw, jobs, stop = network.raw(), jobs_named(5), asyncio.Event()
    floor = Floor(lasts_s=lambda job: 90 if job == jobs[0] else 1)
    await submit(raw, jobs)
    task = asyncio.create_task(run_pool(redis, floor.handler, floor.on_failure, workers=1, capacity=1, stop=stop))
    await asyncio.sleep(0.5)
    taken = sorted((await places(raw)).processing)
    called = "run_pool(…, workers=1, capacity=1), stop set while a job of 90 s runs"
    stop.set()
    await returned(called, task, 120)
    now = await places(raw)
    assert (now.done, floor.cancelled) == (taken, []), explain(
        called=called,
        got=f"{now}; handlers cancelled: {names(floor.cancelled)}",
        expected=f"done: {names(taken)}; no handler cancelled",
        costs="every deploy breaks off the long jobs, and those that never fit between two deploys are never done",
    )


class StopWatch:
    """Set a stop event, and note which of a client's calls to Redis were begun after that."""

    def __init__(self, network):
        self.network, self.stop = network, asyncio.Event()
        self.feeder = self.stopped_s = None
        self._begun = []  # for each call how much had been recorded before it, and whether it was begun after stop
        pool = network.redis.connection_pool
        self._get_connection, pool.get_connection = pool.get_connection, self._noted

    async def _noted(self, *args, **options):
        now_s = asyncio.get_running_loop().time()
        # A take that is a task of its own (under shield, say) was begun when that was made, a turn of the loop ago.
        excused = asyncio.current_task() is not self.feeder and now_s == self.stopped_s
        self._begun.append((len(self.network.recording), self.stop.is_set() and not excused))
        return await self._get_connection(*args, **options)

    def set(self):
        self.stopped_s = asyncio.get_running_loop().time()
        self.stop.set()

    def late_takes_s(self):
        """Return how long after stop the takes that were begun too late came to the server."""
        late_s = []
        for place, one in enumerate(self.network.recording):
            if one.client == "redis" and one.command[0].upper() in TAKING:
                begun = [late for before, late in self._begun if before <= place]
                if begun and begun[-1]:
                    late_s.append(one.at_s - self.stopped_s)
        return late_s


@pytest.mark.step(4, "stop and lose nothing")
@pytest.mark.parametrize("latency_s", [0.05, 0])
async def test_no_take_is_begun_after_stop(network, latency_s):
    """Whenever stop is set, no take is begun after that: nothing is awaited between the look and the take.

    Costs: a pool that was told to stop takes one more job.
    """
    for moment in range(12):
        trial = await network.fresh()
        trial.latency(max_s=latency_s)
        await submit(trial.raw(), jobs_named(9))
        watch, channel = StopWatch(trial), Channel(2)
        watch.feeder = asyncio.create_task(feed(trial.redis, channel, watch.stop))
        consumer = asyncio.create_task(consume(channel))
        if latency_s:
            await asyncio.sleep(moment * 0.01)
        else:
            for _ in range(moment):
                await asyncio.sleep(0)
        watch.set()
        called = "feed(redis, channel, stop) with 9 jobs in READY, stop set " + (
            f"after {moment * 0.01:.2f} s" if latency_s else f"after {moment} turns of the event loop"
        )
        await returned(called, watch.feeder)
        consumer.cancel()
        late_s = watch.late_takes_s()
        assert not late_s, explain(
            called=called,
            got=f"a take was begun after that, and came to Redis {late_s[0] * 1000:.0f} ms after stop"
            if late_s[0]
            else "a take was begun after that, in a later turn",
            expected="no take is begun after stop; one that was on its way is finished",
            costs="a pool that was told to stop takes one more job, and the deploy waits for it",
        )
        await trial.close()


async def consume(channel):
    async for _job in channel:
        pass


@pytest.mark.step(4, "stop and lose nothing")
async def test_stop_is_not_set_by_the_pool(redis, network):
    """A pool that runs until READY is empty leaves `stop` as it was: it belongs to the caller.

    Costs: the first pool that is through stops all others.
    """
    raw, jobs, stop, floor = network.raw(), jobs_named(2), asyncio.Event(), Floor()
    await submit(raw, jobs)
    called = "run_pool(…, workers=2, capacity=2, stop=stop) with 2 jobs in READY"
    await returned(called, run_pool(redis, floor.handler, floor.on_failure, workers=2, capacity=2, stop=stop))
    assert not stop.is_set(), explain(
        called=called,
        got="stop is set",
        expected="stop is only looked at: it belongs to the caller",
        costs="pools of one process share one event, and the first that is through stops all others",
    )
    await submit(raw, [b"again-%d" % number for number in range(4)])
    called += "; then one with 4 jobs, whose first acknowledgement fails"
    asyncio.get_running_loop().call_later(0.5, network.fail_at, 1)
    await outcome_of(
        called, run_pool(redis, floor.handler, floor.on_failure, workers=2, capacity=2, stop=stop), network
    )
    assert not stop.is_set(), explain(
        called=called,
        got="stop is set",
        expected="stop is only looked at: it belongs to the caller",
        costs="pools of one process share one event, and one that loses its connection stops all others",
    )


@pytest.mark.step(4, "stop and lose nothing")
async def test_stop_during_a_take_loses_nothing(seeds):
    """A job whose take was on its way when stop was set is run; nothing is left in PROCESSING.

    Costs: a job is taken that no worker knows of.
    """
    async for network in seeds(8):
        network.latency(max_s=0.05)
        raw, jobs, stop, floor = network.raw(), jobs_named(5), asyncio.Event(), Floor()
        await submit(raw, jobs)
        task = asyncio.create_task(
            run_pool(network.redis, floor.handler, floor.on_failure, workers=1, capacity=2, stop=stop)
        )
        await until(task, raw.llen, PROCESSING)
        stop.set()
        called = "run_pool(…, workers=1, capacity=2), stop set while a take has happened and its answer is on the way"
        await returned(called, task)
        now = await places(raw)
        # A second take may have begun before stop; what counts is that every take ends with a job that is run.
        assert (now.processing, now.done + now.ready, jobs[0] in now.done) == ([], jobs, True), explain(
            called=called,
            got=now,
            expected="what was taken is done, the rest in ready, processing empty",
            costs="the job is in processing and no worker knows of it: only a reaper will ever find it"
            if now.processing
            else "a job that was taken for the pool is put back, and waits for another one",
        )


async def until(task, count, key):
    """Let time pass, 5 virtual milliseconds at a time, until `count(key)` is not 0 or the task has ended."""
    while not task.done() and not await count(key):  # noqa: ASYNC110
        await asyncio.sleep(0.005)


# 5. Schedules


@pytest.mark.step(5, "hold under every schedule")
async def test_two_pools_share_one_queue(seeds):
    """Under 50 schedules, two pools on the same keys: no job is run by two workers, each ends in exactly one place.

    Costs: two workers do the same job, or nobody does.
    """
    jobs = jobs_named(5)
    called = "two run_pool(…, workers=2, capacity=1) on the same keys, 5 jobs"
    async for network in seeds(50):
        raw, floor, stop = network.raw(), Floor(errors={b"job-3": ValueError("bad")}), asyncio.Event()
        floor.lasts_s = lambda job, seed=network.seed: (hash_of(job) * seed % 7) / 1000
        await submit(raw, jobs)
        sizes = {"workers": 2, "capacity": 1, "stop": stop}
        pools = [
            asyncio.create_task(run_pool(client, floor.handler, floor.on_failure, **sizes))
            for client in (network.redis, await network.client("other"))
        ]
        if network.seed % 2:
            asyncio.get_running_loop().call_later(0.002 * (network.seed % 11), stop.set)
        for pool in pools:
            await returned(called, pool)
        now = await places(raw)
        again = sorted({job for job in floor.started if floor.started.count(job) > 1})
        assert not again, explain(
            called=called,
            got=f"run by two workers: {names(again)}",
            expected="each job by one: a job that one pool has taken, no other can take",
            costs="two workers charge the same customer",
        )
        one_place(now, jobs, called)
        in_order(now.ready, called)
        left = now.processing if network.seed % 2 else now.processing + now.ready
        assert not left, explain(
            called=called,
            got=now,
            expected="processing empty when both pools have returned, and, without a stop, ready too",
            costs="jobs are stranded though no pool failed",
        )
        assert set(floor.started) == set(now.done + now.failed), explain(
            called=called,
            got=f"started: {names(sorted(floor.started))}; {now}",
            expected="what was started is in done or failed, and nothing else is",
            costs="the numbers in done are no proof that anything was done",
        )


def hash_of(job):
    return int(job.removeprefix(b"job-")) * 5


@pytest.mark.step(5, "hold under every schedule")
async def test_crash_at_any_point_leaves_every_job_in_one_place(network):
    """Cancelled at any send or receive, run_pool() ends as cancelled and every job is in exactly one place.

    Costs: a crash loses jobs without a trace.
    """
    for point in range(1, 400):
        trial = await network.fresh(seed=network.seed * 1000 + point)
        raw, jobs, floor = trial.raw(), jobs_named(3), Floor(errors={b"job-2": ValueError("bad")})
        floor.lasts_s = lambda job: 0.1 if job == b"job-1" else 0.002  # the first taken is the last finished
        await submit(raw, jobs)
        pool = run_pool(trial.redis, floor.handler, floor.on_failure, workers=2, capacity=1, stop=asyncio.Event())
        called = f"run_pool(…, workers=2, capacity=1), cancelled at point {point}"
        error = await outcome_of(called, pool, trial, cancel_at=point)
        now = await places(raw)
        if not trial.fired:
            break
        one_place(now, jobs, called)
        assert error is not None or sorted(now.done + now.failed) == jobs, explain(
            called=called,
            got=f"it returned as if all were well ({now})",
            expected="it ends as cancelled",
            costs="shutdown cannot end this pool, and waits for it until the supervisor kills the process",
        )
        assert set(now.done) <= set(floor.ended), explain(
            called=called,
            got=f"done: {names(now.done)}; handlers that returned: {names(floor.ended)}",
            expected="in done only what a handler has finished",
            costs="a crash turns jobs that were never finished into jobs that count as done",
        )
        no_task_left(await left_running(), called)


@pytest.mark.step(5, "hold under every schedule")
async def test_broken_connection_at_any_point_leaves_every_job_in_one_place(network):
    """Whatever call fails, before or after taking effect, every job is in exactly one place, and the error is told.

    Costs: the process is up, its health check green, and nothing is done.
    """
    for effect, workers in zip(FAULTS, (1, 2), strict=True):
        async for trial in network.every_point(effect):
            raw, jobs = trial.raw(), jobs_named(3)
            floor = Floor(lasts_s=0.002, errors={b"job-2": ValueError("bad")})
            await submit(raw, jobs)
            sizes = {"workers": workers, "capacity": 1, "stop": asyncio.Event()}
            pool = run_pool(trial.redis, floor.handler, floor.on_failure, **sizes)
            called = f"run_pool(…, workers={workers}), connection broken at point {trial.point} ({effect})"
            error = await outcome_of(called, pool, trial)
            now = await places(raw)
            one_place(now, jobs, called)
            assert error is not None or sorted(now.done + now.failed) == jobs, explain(
                called=called,
                got=f"it returned as if all were well ({now})",
                expected="the ConnectionError, as it is or in an ExceptionGroup",
                costs="jobs are stranded in processing, and no log line says so",
            )
            no_task_left(await left_running(), called)


# 6. Drain with a grace period


def grace_pool(client, floor, stop, grace_s, *, workers=2, capacity=2):
    return run_pool_with_grace(
        client, floor.handler, floor.on_failure, workers=workers, capacity=capacity, stop=stop, grace_s=grace_s
    )


@pytest.mark.step(6, "drain within a grace period", stretch=True)
async def test_give_back_restores_the_order(redis, network):
    """give_back() makes jobs[0] the next job, then jobs[1], then what READY held; other pools' jobs stay.

    Costs: jobs given back at a deploy are lost or overtaken.
    """
    raw, jobs = network.raw(), jobs_named(6)
    await submit(raw, jobs[4:])
    await raw.lpush(PROCESSING, *jobs[:4])
    given = [jobs[0], jobs[1], jobs[3]]
    await give_back(redis, given)
    assert given == [jobs[0], jobs[1], jobs[3]], explain(
        called="give_back(redis, jobs), with the list job-1, job-2, job-4",
        got=f"the list is {names(given)} now",
        expected="the caller's list as it was (it may be a tuple, too)",
        costs="the caller reports other jobs than it gave back",
    )
    await give_back(redis, ())
    now = await places(raw)
    wanted = Places([jobs[0], jobs[1], jobs[3], jobs[4], jobs[5]], [jobs[2]], [], [])
    assert now == wanted, explain(
        called="give_back(redis, [job-1, job-2, job-4]), with job-5, job-6 in READY and job-3 another pool's",
        got=now,
        expected=wanted,
        costs="jobs given back at a deploy end up behind the backlog, or run twice because another pool still has them",
    )


@pytest.mark.step(6, "drain within a grace period", stretch=True)
async def test_give_back_can_crash_anywhere(network):
    """A give_back() that breaks at any send or receive leaves each job in exactly one place, READY in order.

    Costs: the kill that the drain was meant for loses the jobs that it was to save.
    """
    for effect in (*FAULTS, "cancelled"):
        async for trial in network.every_point(effect):
            raw, jobs = trial.raw(), jobs_named(4)
            await submit(raw, jobs[2:])
            await raw.lpush(PROCESSING, *jobs[:2])
            await trial.attempt(give_back(trial.redis, jobs[:2]))
            now, called = (
                await places(raw),
                f"give_back(redis, [job-1, job-2]), broken at point {trial.point} ({effect})",
            )
            one_place(now, jobs, called)
            in_order(now.ready, called)


@pytest.mark.step(6, "drain within a grace period", stretch=True)
async def test_jobs_that_fit_the_grace_period_are_finished(redis, network):
    """Within the grace period everything that was taken is run and acknowledged, and the pool ends without waiting.

    Costs: jobs that had the time are broken off, and every deploy takes too long.
    """
    raw, jobs, stop = network.raw(), jobs_named(8), asyncio.Event()
    floor = Floor(errors={b"job-2": TimeoutError("the handler's own")})
    await submit(raw, jobs)
    task = asyncio.create_task(grace_pool(redis, floor, stop, 10))
    await asyncio.sleep(0.5)
    at_stop = await places(raw)
    stop.set()
    stopped_at = asyncio.get_running_loop().time()
    called = "run_pool_with_grace(…, workers=2, capacity=2, grace_s=10), jobs of 1 s, stop after 0.5 s"
    await returned(called, task)
    took_s = asyncio.get_running_loop().time() - stopped_at
    now = await places(raw)
    assert (now.ready, now.processing, now.failed, floor.cancelled) == (at_stop.ready, [], [b"job-2"], []), explain(
        called=called,
        got=f"{now}; cancelled: {names(floor.cancelled)}",
        expected="the four that were taken finished (job-2's handler raised TimeoutError: failed), the rest in ready",
        costs="a pool that was told to stop goes on taking, and its jobs run into the end of the grace period"
        if len(now.ready) < len(at_stop.ready)
        else "the grace period is there and is not used: jobs that had the time are broken off",
    )
    assert took_s < 5, explain(
        called=called,
        got=f"it returned {took_s:.1f} s after stop",
        expected="after about 1.5 s, when the last job was finished",
        costs="every deploy takes the whole grace period, for every process",
    )


@pytest.mark.step(6, "drain within a grace period", stretch=True)
async def test_pool_that_nobody_stops_runs_everything(redis, network):
    """Without a stop, run_pool_with_grace() runs every job and returns, and leaves no task behind.

    Costs: a pool that is not stopped never comes to its end.
    """
    raw, jobs, floor = network.raw(), jobs_named(4), Floor()
    await submit(raw, jobs)
    called = "run_pool_with_grace(…, workers=2, capacity=2, grace_s=10), stop never set"
    await returned(called, grace_pool(redis, floor, asyncio.Event(), 10))
    now = await places(raw)
    assert now == Places([], [], jobs, []), explain(
        called=called,
        got=now,
        expected=f"done: {names(jobs)}",
        costs="a pool that is not stopped never comes to its end",
    )
    no_task_left(await left_running(), called)


@pytest.mark.step(6, "drain within a grace period", stretch=True)
@pytest.mark.parametrize(("grace_s", "finished"), [(0, 0), (0.8, 2)])
async def test_jobs_cut_short_return_in_order(redis, network, grace_s, finished):
    """After the grace period, the running and the buffered jobs are back in READY, next first; the others stay put.

    Costs: jobs cut short by a deploy are lost, or the deploy hangs.
    """
    # From job-8 to job-16: the order of their numbers is not the order of their bytes.
    raw, jobs, stop = network.raw(), jobs_named(9, first=8), asyncio.Event()
    floor = Floor(lasts_s=lambda job: 1 if job in jobs[:2] else 100)
    theirs = b"job-of-another-pool"
    await raw.lpush(PROCESSING, theirs)
    await submit(raw, jobs)
    task = asyncio.create_task(grace_pool(redis, floor, stop, grace_s))
    await asyncio.sleep(0.5)
    stop.set()
    stopped_at = asyncio.get_running_loop().time()
    called = f"run_pool_with_grace(…, workers=2, capacity=2, grace_s={grace_s}), stop after 0.5 s"
    await returned(called, task)
    took_s = asyncio.get_running_loop().time() - stopped_at
    now = await places(raw)
    assert not floor.failures, explain(
        called=called,
        got=f"on_failure called for {names(job for job, _ in floor.failures)}",
        expected="not called: a job cut short has not failed",
        costs="every deploy costs the jobs of that moment one of their attempts",
    )
    assert now == Places(jobs[finished:], [theirs], jobs[:finished], []), explain(
        called=called,
        got=now,
        expected=Places(jobs[finished:], [theirs], jobs[:finished], []),
        costs="jobs cut short by a deploy are lost, overtaken by the backlog, or taken from a pool that runs them",
    )
    assert floor.started == jobs[: finished + 2], explain(
        called=called,
        got=f"handlers started: {names(floor.started)}",
        expected=f"{names(jobs[: finished + 2])}: none is started after the grace period",
        costs="jobs are begun only to be broken off, with the first of their effects done",
    )
    assert took_s < grace_s + 1, explain(
        called=called,
        got=f"it returned {took_s:.1f} s after stop",
        expected=f"about {grace_s} s after stop",
        costs="the supervisor's patience ends first, and its kill takes the jobs along",
    )
    no_task_left(await left_running(), called)


@pytest.mark.step(6, "drain within a grace period", stretch=True)
async def test_job_is_given_back_after_its_handler_has_ended(redis, network):
    """A cancelled handler may need time to clean up; until it has ended, its job is not in READY.

    Costs: two workers are at the same job.
    """
    raw, jobs, stop, running = network.raw(), jobs_named(3), asyncio.Event(), []
    floor, early = Floor(), []

    async def handler(job):
        running.append(job)
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(12)
            if "ready" in (await places(raw)).of(job):
                early.append(job)
            running.remove(job)

    floor.handler = handler
    await submit(raw, jobs)
    asyncio.get_running_loop().call_later(2, stop.set)
    called = "run_pool_with_grace(…, grace_s=1), handlers that need 12 s to clean up"
    await returned(called, grace_pool(redis, floor, stop, 1), 60)
    assert not early + running, explain(
        called=called,
        got=f"given back while the handler still ran: {names(early + running)}",
        expected="given back when the handler has ended",
        costs="another pool takes the job at once, and two workers are at it",
    )
    now = await places(raw)
    assert now.ready == jobs, explain(
        called=called,
        got=now,
        expected=f"ready: {names(jobs)}",
        costs="jobs are stranded in processing by every deploy",
    )


@pytest.mark.step(6, "drain within a grace period", stretch=True)
async def test_error_of_a_cancelled_handler_is_no_failure(redis, network):
    """A handler that raises an error of its own while it is cancelled was cut short all the same.

    Costs: every deploy costs the jobs of that moment one of their attempts.
    """
    raw, jobs, stop, floor = network.raw(), jobs_named(3), asyncio.Event(), Floor()

    async def handler(job):
        try:
            await asyncio.sleep(100)
        finally:
            raise OSError("the connection that it cleaned up was gone")

    floor.handler = handler
    await submit(raw, jobs)
    asyncio.get_running_loop().call_later(2, stop.set)
    called = "run_pool_with_grace(…, grace_s=1), handlers that raise OSError when they are cancelled"
    await returned(called, grace_pool(redis, floor, stop, 1))
    now = await places(raw)
    assert (now.ready, now.processing, floor.failures) == (jobs, [], []), explain(
        called=called,
        got=f"{now}; on_failure called for {names(job for job, _ in floor.failures)}",
        expected=f"ready: {names(jobs)}, and on_failure not called: a job cut short has not failed",
        costs="every deploy costs the jobs of that moment one of their attempts",
    )


@pytest.mark.step(6, "drain within a grace period", stretch=True)
async def test_handler_that_returns_though_cancelled_is_done_or_ready(redis, network):
    """A handler that returns when it is cancelled has finished or was cut short: its job is done or ready, not both.

    Costs: a job that is done is run again.
    """
    raw, jobs, stop, floor = network.raw(), jobs_named(4), asyncio.Event(), Floor()

    async def handler(job):
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            return

    floor.handler = handler
    await submit(raw, jobs)
    asyncio.get_running_loop().call_later(2, stop.set)
    called = "run_pool_with_grace(…, workers=2, capacity=2, grace_s=1), handlers that return when they are cancelled"
    await returned(called, grace_pool(redis, floor, stop, 1))
    now = await places(raw)
    one_place(now, jobs, called)
    in_order(now.ready, called)
    assert (now.processing, now.failed, floor.failures) == ([], [], []), explain(
        called=called,
        got=f"{now}; on_failure called for {names(job for job, _ in floor.failures)}",
        expected="job-1 and job-2 done or ready, job-3 and job-4 ready",
        costs="a job whose handler has ended without an error is written off as failed, or stranded in processing",
    )


@pytest.mark.step(6, "drain within a grace period", stretch=True)
async def test_failure_that_is_being_reported_is_not_cut_short(redis, network):
    """The grace period cancels handlers, not `on_failure`: its job has failed and is acknowledged.

    Costs: a failure is reported, and its job is run and reported again.
    """
    raw, jobs, stop = network.raw(), jobs_named(2), asyncio.Event()
    floor, reported = Floor(errors={jobs[0]: ValueError("bad")}), []

    async def on_failure(job, error):
        await asyncio.sleep(5)
        reported.append(job)

    floor.on_failure = on_failure
    await submit(raw, jobs)
    asyncio.get_running_loop().call_later(2, stop.set)
    called = "run_pool_with_grace(…, grace_s=1), stop after 2 s, on_failure runs from 1 s to 6 s"
    await returned(called, grace_pool(redis, floor, stop, 1))
    now = await places(raw)
    assert (reported, now) == (jobs[:1], Places([], [], jobs[1:], jobs[:1])), explain(
        called=called,
        got=f"{now}; on_failure finished for {names(reported)}",
        expected=f"{Places([], [], jobs[1:], jobs[:1])}; on_failure finished for {names(jobs[:1])}",
        costs="a failure is half reported, and its job is run and reported again",
    )


@pytest.mark.step(6, "drain within a grace period", stretch=True)
@pytest.mark.parametrize("moment", ["a take", "an acknowledgement"])
async def test_grace_period_ends_while_a_call_is_on_its_way(seeds, moment):
    """The grace period may end between a command's effect and its answer; the job is still in exactly one place.

    Costs: a job is run again that was done, or is run by nobody.
    """
    async for network in seeds(8):
        network.latency(max_s=0.05)
        raw, jobs, stop, floor = network.raw(), jobs_named(4), asyncio.Event(), Floor(lasts_s=0.01)
        await submit(raw, jobs)
        task = asyncio.create_task(grace_pool(network.redis, floor, stop, 0, workers=1, capacity=1))
        await until(task, *((raw.llen, PROCESSING) if moment == "a take" else (raw.scard, DONE)))
        stop.set()
        called = f"run_pool_with_grace(…, grace_s=0), stop set while {moment} is on its way"
        await returned(called, task)
        now = await places(raw)
        one_place(now, jobs, called)
        in_order(now.ready, called)
        assert not now.processing, explain(
            called=called,
            got=now,
            expected="processing empty: what was taken is finished or given back",
            costs="the job is in processing and no worker knows of it: only a reaper will ever find it",
        )


@pytest.mark.step(6, "drain within a grace period", stretch=True)
@pytest.mark.parametrize("effect", [*FAULTS, "cancelled"])
async def test_drain_under_faults(network, effect):
    """Whatever call fails in a drain, every job is in exactly one place, READY in order, and the error is told.

    Costs: the one time that Redis fails during a deploy, jobs are lost.
    """
    for point in range(1, 400):
        trial = await network.fresh()
        raw, jobs, stop = trial.raw(), jobs_named(5), asyncio.Event()
        floor = Floor(lasts_s=lambda job: 1 if job == b"job-1" else 100)
        await submit(raw, jobs)
        asyncio.get_running_loop().call_later(1.5, stop.set)
        if effect != "cancelled":
            trial.fail_at(point, effect=effect)
        pool = grace_pool(trial.redis, floor, stop, 0.5, workers=1, capacity=1)
        called = f"run_pool_with_grace(…), broken at point {point} ({effect})"
        error = await outcome_of(called, pool, trial, cancel_at=point if effect == "cancelled" else None)
        if not trial.fired:
            break
        now = await places(raw)
        one_place(now, jobs, called)
        in_order(now.ready, called)
        assert error is not None or not now.processing, explain(
            called=called,
            got=f"it returned as if all were well ({now})",
            expected="the error, as it is or in an ExceptionGroup",
            costs="jobs are stranded in processing, and no log line says so",
        )
        no_task_left(await left_running(), called)


@pytest.mark.step(6, "drain within a grace period", stretch=True)
async def test_impossible_grace_settings_are_errors(redis):
    """workers=0, capacity=0 and a negative grace period raise ValueError.

    Costs: a mistyped setting starts a pool that cannot drain.
    """
    usual = {"workers": 1, "capacity": 1, "grace_s": 1}
    for wrong in ({"workers": 0}, {"capacity": 0}, {"grace_s": -1}):
        settings, floor = usual | wrong, Floor()
        call = run_pool_with_grace(redis, floor.handler, floor.on_failure, stop=asyncio.Event(), **settings)
        await refused(f"run_pool_with_grace(…, {', '.join(f'{name}={value}' for name, value in wrong.items())})", call)
