"""What the tests of workerpool put in: jobs, handlers that remember what they saw, and where each job is afterwards.

Nothing here asks how the pool is built: tasks in a TaskGroup, gather, queues and sentinels are all the same to it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import redis.exceptions

from exercises.workerpool.workerpool import DONE, FAILED, PROCESSING, READY, Channel
from grading import Stuck, explain, fail, settle

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


def redis_error():
    return redis.exceptions.ConnectionError("the handler's own Redis is down")


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


async def until(task, count, key):
    """Let time pass, 5 virtual milliseconds at a time, until `count(key)` is not 0 or the task has ended."""
    while not task.done() and not await count(key):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
