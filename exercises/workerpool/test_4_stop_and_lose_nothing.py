"""Step 4: stop and lose nothing."""

from __future__ import annotations

import asyncio

import pytest

from exercises.workerpool.given import (
    Floor,
    jobs_named,
    left_running,
    names,
    no_task_left,
    outcome_of,
    places,
    returned,
    submit,
    until,
)
from exercises.workerpool.workerpool import PROCESSING, Channel, feed, run_pool
from grading import explain

pytestmark = pytest.mark.step(4, "stop and lose nothing")


TAKING = {b"LMOVE", b"RPOPLPUSH", b"RPOP", b"LMPOP"}


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
        costs="jobs that were next in line wait again"
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
        costs="each deploy cuts jobs off in the middle",
    )
    assert (sorted(now.done + now.failed), now.processing) == (taken, []), explain(
        called=called,
        got=now,
        expected=f"ready: {names(now.ready)}; processing: nothing; done and failed: {names(taken)}",
        costs="jobs that were in the buffer stay in processing, and don't run" if now.processing else None,
    )
    no_task_left(await left_running(), called)


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
        costs="each deploy cuts off the long jobs" if floor.cancelled else None,
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


async def test_stop_is_not_set_by_the_pool(redis, network):
    """A pool that runs until READY is empty leaves `stop` as it was: it belongs to the caller.

    Costs: the first pool that has finished stops all others.
    """
    raw, jobs, stop, floor = network.raw(), jobs_named(2), asyncio.Event(), Floor()
    await submit(raw, jobs)
    called = "run_pool(…, workers=2, capacity=2, stop=stop) with 2 jobs in READY"
    await returned(called, run_pool(redis, floor.handler, floor.on_failure, workers=2, capacity=2, stop=stop))
    assert not stop.is_set(), explain(
        called=called,
        got="stop is set",
        expected="stop is only looked at: it belongs to the caller",
        costs="pools of one process share one event, and the first that has finished stops all others",
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
        called = "run_pool(…, workers=1, capacity=2), stop is set after Redis has moved a job, before the reply arrives"
        await returned(called, task)
        now = await places(raw)
        # A second take may have begun before stop; what counts is that every take ends with a job that is run.
        assert (now.processing, now.done + now.ready, jobs[0] in now.done) == ([], jobs, True), explain(
            called=called,
            got=now,
            expected="what was taken is done, the rest is in ready, and processing is empty",
            costs="the job is in processing and no worker knows of it"
            if now.processing
            else "a job that was taken for the pool is put back, and waits for another one",
        )
