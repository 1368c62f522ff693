"""Step 6: drain within a grace period."""

from __future__ import annotations

import asyncio

import pytest

from exercises.workerpool.given import (
    FAULTS,
    Floor,
    Places,
    in_order,
    jobs_named,
    left_running,
    names,
    no_task_left,
    one_place,
    outcome_of,
    places,
    returned,
    submit,
    until,
)
from exercises.workerpool.workerpool import DONE, PROCESSING, give_back, run_pool_with_grace
from grading import explain
from grading.checks import refused

pytestmark = pytest.mark.step(6, "drain within a grace period", stretch=True)


def grace_pool(client, floor, stop, grace_s, *, workers=2, capacity=2):
    return run_pool_with_grace(
        client, floor.handler, floor.on_failure, workers=workers, capacity=capacity, stop=stop, grace_s=grace_s
    )


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
    )


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
            now, called = await places(raw), f"give_back(redis, [job-1, job-2]); {trial.broke}"
            one_place(now, jobs, called)
            in_order(now.ready, called)


async def test_give_back_on_a_client_that_retries_doubles_no_job(network):
    """With redis-py's own retries on, a transaction whose reply is lost is sent again, and moves each job once."""
    async for trial in network.every_point("reply_lost", retries=3):
        raw, jobs = trial.raw(), jobs_named(4)
        await submit(raw, jobs[2:])
        await raw.lpush(PROCESSING, *jobs[:2])
        await trial.attempt(give_back(trial.redis, jobs[:2]))
        now = await places(raw)
        called = (
            f"give_back(redis, [job-1, job-2]) on a client with its retries on; the reply at point {trial.point} is "
            "lost, so redis-py sends again"
        )
        one_place(now, jobs, called)
        in_order(now.ready, called)


async def test_give_back_moves_only_what_is_in_processing(redis, network):
    """A job that a reaper has moved meanwhile stays where it is; thousands of other pools' jobs hide none."""
    raw, jobs = network.raw(), jobs_named(3)
    await raw.rpush(PROCESSING, *(b"other-%d" % number for number in range(1_100)), jobs[2], jobs[1])
    await submit(raw, jobs[:1])
    await give_back(redis, jobs)
    got = await places(raw)
    wanted = [jobs[1], jobs[2], jobs[0]]
    assert (got.ready, len(got.processing)) == (wanted, 1_100), explain(
        called="give_back(redis, [job-1, job-2, job-3]); a reaper has put job-1 into READY; job-2 and job-3 are in "
        "PROCESSING behind 1,100 newer jobs of other pools",
        got=f"ready: {names(got.ready)}; processing: {len(got.processing):,} jobs",
        expected=f"ready: {names(wanted)}; processing: 1,100 jobs",
    )


async def test_grace_period_is_shared_by_what_starts_during_it(redis, network):
    """The grace period ends grace_s after stop, also for a handler that starts shortly before its end."""
    raw, jobs, stop = network.raw(), jobs_named(4), asyncio.Event()
    floor = Floor(lasts_s=lambda job: 2 if job == b"job-1" else 9)
    await submit(raw, jobs)
    loop = asyncio.get_running_loop()
    loop.call_later(1, stop.set)
    began_s = loop.time()
    called = (
        "run_pool_with_grace(…, workers=1, capacity=2, grace_s=3), stop set after 1 s; job-1 lasts 2 s, the others 9 s"
    )
    await returned(called, grace_pool(redis, floor, stop, 3, workers=1))
    took_s, now = loop.time() - began_s, await places(raw)
    assert took_s < 5, explain(
        called=called,
        got=f"it returned after {took_s:.1f} s",
        expected="it returns when the grace period is over, 4 s after the start",
        costs="the supervisor kills the pool, and its jobs stay in PROCESSING",
    )
    one_place(now, jobs, called)


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
        expected=f"{Places(at_stop.ready, [], [jobs[0], *jobs[2:4]], [jobs[1]])}; cancelled: nothing",
        note="job-2's handler raised a TimeoutError: it failed",
        costs="a pool that was told to stop goes on taking, and its jobs run into the end of the grace period"
        if len(now.ready) < len(at_stop.ready)
        else "jobs that had the time are cut off"
        if floor.cancelled
        else None,
    )
    assert took_s < 5, explain(
        called=called,
        got=f"it returned {took_s:.1f} s after stop",
        expected="after about 1.5 s, when the last job was finished",
        costs="every deploy takes the whole grace period, for every process",
    )


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
        expected=Places([], [], jobs, []),
    )
    no_task_left(await left_running(), called)


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
        costs="each deploy costs the jobs of that moment one of their attempts",
    )
    assert now == Places(jobs[finished:], [theirs], jobs[:finished], []), explain(
        called=called,
        got=now,
        expected=Places(jobs[finished:], [theirs], jobs[:finished], []),
        costs="jobs that a deploy cuts short stay in processing, and don't run" if len(now.processing) > 1 else None,
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
        costs="the supervisor kills the process before it has given its jobs back",
    )
    no_task_left(await left_running(), called)


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
        costs="another pool takes the job, and two workers run it",
    )
    now = await places(raw)
    assert now.ready == jobs, explain(
        called=called,
        got=now,
        expected=Places(jobs, [], [], []),
        costs="each deploy leaves jobs in processing" if now.processing else None,
    )


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
        costs="each deploy costs the jobs of that moment one of their attempts",
    )


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
        costs="a job whose handler has ended without an error is marked as failed" if floor.failures else None,
    )


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
        called = f"run_pool_with_grace(…, grace_s=0), stop is set while the reply to {moment} is on its way"
        await returned(called, task)
        now = await places(raw)
        one_place(now, jobs, called)
        in_order(now.ready, called)
        assert not now.processing, explain(
            called=called,
            got=now,
            expected="processing empty: what was taken is finished or given back",
            costs="the job is in processing and no worker knows of it",
        )


@pytest.mark.parametrize("effect", [*FAULTS, "delivered_late", "cancelled"])
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
        error = await outcome_of(
            "run_pool_with_grace(…)", pool, trial, cancel_at=point if effect == "cancelled" else None
        )
        called = f"run_pool_with_grace(…); {trial.broke}"
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


async def test_impossible_grace_settings_are_errors(redis):
    """workers=0, capacity=0 and a negative grace period raise ValueError.

    Costs: a mistyped setting starts a pool that cannot drain.
    """
    usual = {"workers": 1, "capacity": 1, "grace_s": 1}
    for wrong in ({"workers": 0}, {"capacity": 0}, {"grace_s": -1}):
        settings, floor = usual | wrong, Floor()
        call = run_pool_with_grace(redis, floor.handler, floor.on_failure, stop=asyncio.Event(), **settings)
        await refused(
            f"run_pool_with_grace(…, {', '.join(f'{name}={value}' for name, value in wrong.items())})",
            call,
            why="workers and capacity must be at least 1, grace_s at least 0",
        )
