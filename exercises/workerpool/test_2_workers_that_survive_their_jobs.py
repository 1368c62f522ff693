"""Step 2: workers that survive their jobs."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ResponseError

from exercises.workerpool.given import (
    FAULTS,
    LIMIT_S,
    CountingChannel,
    Floor,
    Places,
    done_after_their_handlers,
    from_redis,
    jobs_named,
    left_running,
    names,
    no_task_left,
    outcome_of,
    places,
    redis_error,
    returned,
)
from exercises.workerpool.workerpool import DONE, FAILED, PROCESSING, Channel, ChannelClosed, acknowledge, work
from grading import explain
from grading.checks import ended, refused

pytestmark = pytest.mark.step(2, "workers that survive their jobs")


async def in_channel(raw, jobs, *, close=True):
    """Do what a feeder does: the jobs are in PROCESSING and in a channel with room for more."""
    channel = Channel(len(jobs) + 1)
    await raw.lpush(PROCESSING, *jobs)
    for job in jobs:
        await channel.put(job)
    if close:
        channel.close()
    return channel


@pytest.mark.parametrize("outcome", [DONE, FAILED])
async def test_acknowledge_moves_the_job_once(redis, network, outcome):
    """acknowledge() moves one job from PROCESSING to its outcome; called again, it changes nothing.

    Costs: what is done stays in processing and is run again.
    """
    raw = network.raw()
    await raw.lpush(PROCESSING, *jobs_named(3))
    await acknowledge(redis, b"job-2", outcome)
    for calls in ("the first call", "the second call with the same job"):
        now = await places(raw)
        wanted = Places([], [b"job-3", b"job-1"], [], [])
        setattr(wanted, "done" if outcome == DONE else "failed", [b"job-2"])
        assert now == wanted, explain(
            called=f"acknowledge(redis, b'job-2', {outcome!r}), {calls}, with job-1, job-2, job-3 in PROCESSING",
            got=now,
            expected=wanted,
            costs="a job that stays in processing is run again" if now.of(b"job-2") == ["processing"] else None,
        )
        await acknowledge(redis, b"job-2", outcome)


@pytest.mark.parametrize("workers", [1, 3])
async def test_so_many_workers_so_many_jobs_at_once(redis, network, workers):
    """work() runs `workers` handlers at the same time, never more, and returns when the channel is closed and empty.

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
        costs="the queue grows though there is room"
        if floor.peak < workers
        else "the number of workers no longer protects the database behind the handlers",
    )
    now = await places(raw)
    assert (now.done, now.processing, floor.running) == (jobs, [], []), explain(
        called=called,
        got=f"{now}; handlers still running: {names(floor.running)}",
        expected=f"{Places([], [], jobs, [])}; handlers still running: nothing",
        diff=now.difference(Places([], [], jobs, [])),
        costs="the process exits with jobs half done, and each of them is run again",
    )


async def test_long_job_holds_up_one_worker_alone(redis, network):
    """A worker gets its next job when it has finished its own, whatever the others do; a handler may take minutes.

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
        costs="the jobs have left the buffer but don't run, so the feeder takes more than the pool can run"
        if len(channel) < 3
        else None,
    )
    await asyncio.sleep(10)
    now = await places(raw)
    done_after_their_handlers(now, floor, f"{called}; after 10 s")
    wanted = Places([], jobs[:1], jobs[1:5], [])
    assert now == wanted, explain(
        called=f"{called}; after 10 s",
        got=now,
        expected=wanted,
        costs="one long job stops every worker, and the queue grows behind it" if len(now.done) < 4 else None,
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
        costs="workers end in every short pause of the producer, until none is left",
    )
    channel.close()
    await returned(called, task, 100)
    now = await places(raw)
    assert (now.done, floor.cancelled, floor.failures) == (jobs, [], []), explain(
        called=called,
        got=f"{now}; handlers cancelled: {names(floor.cancelled)}",
        expected=f"{Places([], [], jobs, [])}; handlers cancelled: nothing. There is no limit for a handler",
        costs="long jobs are cut off, and never get done" if floor.cancelled else None,
    )


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
    await ended(called, task, 60)
    error = asyncio.CancelledError("cancelled") if task.cancelled() else task.exception()
    if error is not None and not (isinstance(error, asyncio.CancelledError) or from_redis(error)):
        raise error
    assert error is not None, explain(
        called=called,
        got="it returned",
        expected="the ConnectionError, as it is or in an ExceptionGroup"
        if ending == "Redis fails"
        else "CancelledError",
        costs="the caller believes that an interrupted run was complete",
    )
    running = list(floor.running)
    assert not running, explain(
        called=called,
        got=f"handlers that still run: {names(sorted(running))}",
        expected="none: wait for what was cancelled",
        costs="the caller closes its connections while handlers still use them",
    )
    no_task_left(await left_running(), called)
    assert channel.closes == 0, explain(
        called=called,
        got=f"close called {channel.closes} times",
        expected="never: the channel is the producer's to close, whatever happens to the workers",
        costs="the feeder, which closes it too, fails because of that and hides the real error",
    )


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
        called="work(…, workers=1); checked: where each job is while handler(job) runs",
        got=early,
        expected={job: ["processing"] for job in early},
        costs="a worker that dies in its handler takes the job with it: delivery at most once",
    )
    late = {job.decode(): where for job, where in before.items() if where != ["done"]}
    assert not late, explain(
        called="work(…, workers=1); checked: where each job is when the worker starts the next one",
        got=late,
        expected={job: ["done"] for job in late},
        note="the worker hadn't acknowledged a job when it took the next one",
        costs="jobs that are finished pile up unacknowledged, and a crash runs all of them again",
    )


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
        costs="one bad job stops a worker; after a few of them the pool looks alive and does nothing",
    )
    assert sorted(job for job, _ in floor.failures) == sorted(errors), explain(
        called=called,
        got=f"on_failure called for {names(job for job, _ in floor.failures)}",
        expected=f"once for each of {names(errors)}",
        costs="a failure that is not reported is not retried"
        if len(floor.failures) < len(errors)
        else "a failure that is reported twice is retried twice",
    )
    other = [job for job, error in floor.failures if error is not errors[job]]
    assert not other, explain(
        called=called,
        got=f"on_failure got another error than the handler raised, for {names(other)}",
        expected="the very exception",
        costs="the dead letter shows a wrapper instead of the cause",
    )
    assert before == [["processing"]] * len(errors), explain(
        called=f"{called}; checked: where each job is while on_failure(job, error) runs",
        got=", ".join(" and ".join(where) or "no place" for where in before),
        expected=", ".join(["processing"] * len(errors)) + ": on_failure first, acknowledge after it",
        costs="if the process dies between the two, the job is acknowledged and its failure was never recorded",
    )
    assert (now.failed, now.done, now.processing) == (sorted(errors), [job for job in jobs if job not in errors], []), (
        explain(
            called=called,
            got=now,
            expected=Places([], [], [job for job in jobs if job not in errors], sorted(errors)),
            costs="failed jobs look done" if set(now.done) & set(errors) else None,
        )
    )


async def test_handler_may_return_any_awaitable(redis, network):
    """A handler is any callable that returns an awaitable, such as a future. It may raise before."""
    raw, jobs, floor = network.raw(), jobs_named(3), Floor()

    def handler(job):
        if job == b"job-2":
            raise ValueError("refused before it began")
        waits = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(1, waits.set_result, OSError("returned") if job == b"job-3" else None)
        return waits

    called = (
        "work(…, workers=2); the handler, a plain function, returns a future for job-1, raises for job-2, returns a "
        "future for job-3 whose result is an exception that was not raised: it returns an exception"
    )
    await returned(called, work(redis, await in_channel(raw, jobs), handler, floor.on_failure, workers=2))
    now, wanted = await places(raw), Places([], [], [b"job-1", b"job-3"], [b"job-2"])
    assert now == wanted, explain(called=called, got=now, expected=wanted)


async def test_handler_that_ends_in_cancelled_error_does_not_stop_the_pool_in_silence(redis, network):
    """CancelledError that nobody asked for is a failed job, or an error of `work`: never a worker less."""
    raw, jobs = network.raw(), jobs_named(6)
    floor = Floor(errors=dict.fromkeys(jobs[:2], asyncio.CancelledError()))
    called = "work(…, workers=2) with 6 jobs; the handlers of job-1 and job-2: a task that it awaits is cancelled"
    call = work(redis, await in_channel(raw, jobs), floor.handler, floor.on_failure, workers=2)
    task = await ended(called, call, LIMIT_S)
    if task.cancelled() or not isinstance(task.exception(), (NotImplementedError, type(None))):
        return  # any error will do, in a group or not
    await task
    now, wanted = await places(raw), Places([], [], jobs[2:], jobs[:2])
    assert now == wanted, explain(
        called=f"{called}; it returned without an error",
        got=now,
        expected=wanted,
        costs="two such jobs, and the pool has no worker left, while its health check is green",
    )


async def test_acknowledgement_that_redis_refuses_is_told(redis, network):
    """When Redis refuses a command in EXEC, because DONE is not a set, the error comes out of acknowledge()."""
    raw = network.raw()
    await raw.lpush(PROCESSING, b"job-1")
    await raw.lpush(DONE, b"a list by mistake")
    try:
        got = await acknowledge(redis, b"job-1", DONE)
    except ResponseError as error:
        got = error
    assert isinstance(got, ResponseError), explain(
        called="acknowledge(redis, b'job-1', DONE); the key DONE holds a list, so Redis refuses the SADD",
        got=f"it returned {got!r}",
        expected="the ResponseError (WRONGTYPE) of the SADD",
        costs="finished jobs are in no key, and no log line says so",
    )


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
        costs="each deploy marks half-done jobs as done"
        if now.done
        else "each deploy marks the jobs of that moment as failed",
    )
    no_task_left(await left_running(), called)


# --- Corner cases ----------------------------------------------------------------------------------------------------


async def test_odd_jobs_are_run_like_others(redis, network):
    """The empty bytes string is a job, and so are bytes that aren't text.

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
        costs="one odd job stops a worker",
    )


async def test_broken_connection_is_not_the_jobs_failure(network):
    """An error from Redis in an acknowledgement ends work() with that error; it is not a failure of the job.

    Costs: a short network fault becomes a failed job.
    """
    for effect in FAULTS:
        async for trial in network.every_point(effect):
            raw, jobs, floor = trial.raw(), jobs_named(2), Floor(errors={b"job-2": ValueError("bad")})
            channel = await in_channel(raw, jobs)
            call = work(trial.redis, channel, floor.handler, floor.on_failure, workers=1)
            error = await outcome_of("work(…, workers=1)", call, trial)
            called = f"work(…, workers=1); {trial.broke}"
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
                costs="a short network fault turns finished jobs into dead letters",
            )
            assert error is not None or not now.processing, explain(
                called=called,
                got=f"work returned as if all were well, and left {now}",
                expected="the ConnectionError, as it is or in an ExceptionGroup",
                costs="jobs are stranded in processing, and no log line says so",
            )


async def test_no_workers_is_an_error(redis):
    """workers=0 raises ValueError.

    Costs: a mistyped setting starts a pool that runs nothing.
    """
    for workers in (0, -1):
        channel = Channel(1)
        channel.close()
        call = work(redis, channel, Floor().handler, Floor().on_failure, workers=workers)
        await refused(f"work(…, workers={workers})", call, why="workers must be at least 1")
