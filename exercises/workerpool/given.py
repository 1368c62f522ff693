"""What the tests of workerpool put in: jobs, handlers that remember what they saw, and where each job is afterwards.

Nothing here asks how the pool is built: tasks in a TaskGroup, gather, queues and sentinels are all the same to it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import redis.exceptions

from exercises.workerpool.workerpool import DONE, FAILED, PROCESSING, READY, Channel
from grading import explain, fail, settle
from grading.checks import answer_of, ended, leaves_of
from grading.network import happened

FAULTS = ("never_arrived", "reply_lost")


LIMIT_S = 20
"""More virtual seconds than anything here needs, whatever the design; what still runs then polls or waits for ever."""


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

    def difference(self, expected):
        """Say which job is in another place than expected, or out of order."""
        jobs = dict.fromkeys([job for places in (expected, self) for held in vars(places).values() for job in held])
        wrong = [
            f"{job.decode(errors='replace')}: in {' and '.join(self.of(job)) or 'no place'}, not in "
            f"{' and '.join(expected.of(job)) or 'any place'}"
            for job in jobs
            if sorted(self.of(job)) != sorted(expected.of(job))
        ]
        if wrong:
            return "; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        for name in ("ready", "processing"):
            for place, (got, want) in enumerate(zip(vars(self)[name], vars(expected)[name], strict=True), 1):
                if got != want:
                    return f"the order in {name}: number {place} is {names([got])}, not {names([want])}"
        return ""

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
            costs="other programs that read these keys fail",
        )
    return Places(ready[::-1], processing, sorted(done), sorted(failed))


async def submit(raw, jobs):
    """Do what a producer does: LPUSH, so that the first of `jobs` is next."""
    if jobs:
        await raw.lpush(READY, *jobs)


def say(job, what):
    """Put what a handler does into the trace."""
    at_s = asyncio.get_running_loop().time()
    happened("handler", f"{job.decode() if b'-' in job else repr(job)} {what} at {at_s:.3g} s")


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
        say(job, "starts")
        if job in self.running:
            self.twice.append(job)
        self.running.append(job)
        self.peak = max(self.peak, len(self.running))
        try:
            await asyncio.sleep(self.lasts_s(job) if callable(self.lasts_s) else self.lasts_s)
            if job in self.errors:
                say(job, f"raises {type(self.errors[job]).__name__}")
                raise self.errors[job]
            self.ended.append(job)
            say(job, "ends")
        except asyncio.CancelledError:
            self.cancelled.append(job)
            say(job, "is cancelled")
            if self.cleans_s:
                await asyncio.sleep(self.cleans_s)
            raise
        finally:
            self.running.remove(job)

    async def on_failure(self, job, error):
        say(job, f"on_failure({type(error).__name__})")
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


async def returned(called, call, limit_s=LIMIT_S):
    """Run a call to its end; fail if it raised."""
    await answer_of(called, call, expected="it returns without an error", limit_s=limit_s)


async def outcome_of(called, call, network, *, cancel_at=None):
    """Run a call to its end; return the broken connection or the cancellation that ended it, None if it returned."""
    task = asyncio.ensure_future(call)
    if cancel_at is not None:
        network.cancel_at(cancel_at, task=task)
    await ended(called, task, LIMIT_S)
    if task.cancelled() and network.fired:
        return asyncio.CancelledError("cancelled")
    error = None if task.cancelled() else task.exception()
    if network.fired and error is not None and from_redis(error):
        return error
    await returned(called, task)
    return None


async def left_running():
    """Name the tasks that are there beside the test itself, and say whether they were cancelled."""
    await settle()
    return sorted(
        f"{task.get_coro().__qualname__}() ({'cancelled, not awaited' if task.cancelling() else 'not cancelled'})"
        for task in asyncio.all_tasks() - {asyncio.current_task()}
    )


def no_task_left(left, called):
    assert not left, explain(
        called=called,
        got=f"still running afterwards: {', '.join(left)}",
        expected="no task of the pool outlives the call",
        costs="these tasks still run when the caller exits, and their jobs are cut off half done",
    )


def done_after_their_handlers(now, floor, called):
    """Assert that no job is in DONE before its handler has returned."""
    early = [job for job in now.done if job not in floor.ended]
    assert not early, explain(
        called=called,
        got=f"in done: {names(now.done)}; handlers that returned: {names(floor.ended)}",
        expected="in done only jobs whose handler has returned",
        diff=f"{names(early)}: in done, but the handler hasn't returned",
        costs="a worker that dies in its handler takes the job with it",
    )


def one_place(now, jobs, called):
    assert not now.misplaced(jobs), explain(
        called=called,
        got=f"{now.misplaced(jobs)} ({now})",
        expected="every job in exactly one of ready, processing, done and failed",
        costs="a job in no place is lost without a trace"
        if "no place" in now.misplaced(jobs)
        else "a job in two places is run again although it is finished",
    )


def in_order(ready, called):
    numbers = [int(job.removeprefix(b"job-")) for job in ready]
    assert numbers == sorted(numbers), explain(
        called=called,
        got=f"ready, next job first: {names(ready)}",
        expected="the order in which the jobs were submitted",
        costs="jobs that waited longest are overtaken",
    )


def redis_error():
    return redis.exceptions.ConnectionError("the handler's own Redis is down")


async def until(task, count, key):
    """Let time pass, 5 virtual milliseconds at a time, until `count(key)` is not 0 or the task has ended."""
    while not task.done() and not await count(key):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
