"""Step 5: hold under every schedule."""

from __future__ import annotations

import asyncio

import pytest

from exercises.workerpool.given import (
    FAULTS,
    Floor,
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
)
from exercises.workerpool.workerpool import run_pool
from grading import explain

pytestmark = pytest.mark.step(5, "hold under every schedule")


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
        error = await outcome_of("run_pool(…, workers=2, capacity=1)", pool, trial, cancel_at=point)
        called = f"run_pool(…, workers=2, capacity=1); {trial.broke}"
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
            error = await outcome_of(f"run_pool(…, workers={workers})", pool, trial)
            called = f"run_pool(…, workers={workers}); {trial.broke}"
            now = await places(raw)
            one_place(now, jobs, called)
            assert error is not None or sorted(now.done + now.failed) == jobs, explain(
                called=called,
                got=f"it returned as if all were well ({now})",
                expected="the ConnectionError, as it is or in an ExceptionGroup",
                costs="jobs are stranded in processing, and no log line says so",
            )
            no_task_left(await left_running(), called)
