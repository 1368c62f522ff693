"""Synchronous handlers, in real threads; events, not time, say when to go on."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor

from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.attempt import Lane, Stop
from jobqueue.application.handlers import Handlers, stop_requested
from jobqueue.domain.errors import JobTimedOut
from jobqueue.domain.job import Lease
from jobqueue.domain.retry import RetryBudget, RetryPolicy
from tests.jobqueue.fakes.jobs import job
from tests.jobqueue.fakes.recording_observer import RecordingObserver


class Feed:
    """Keeps what a lane brings."""

    def __init__(self):
        self.done, self.verdicts, self.unfinished = [], [], []

    def succeeded(self, lease):
        self.done.append(lease.job.id)

    def did_not_succeed(self, lease, verdict):
        self.verdicts.append(verdict)

    def did_not_finish(self, lease):
        self.unfinished.append(lease.job.id)


async def attempt(handlers, threads, meanwhile=None):
    """Run one attempt at job 1 in a lane of its own; return feed and observer."""
    feed, observer = Feed(), RecordingObserver()
    lane = Lane(
        handlers=handlers,
        clock=SystemClock(),
        observer=observer,
        rng=random.Random(1),
        budget=RetryBudget(),
        threads=threads,
    )
    lane._task = task = asyncio.create_task(lane._attempt(feed, Lease(job(1), "w.1", 0.0)))
    if meanwhile:
        await meanwhile(lane)
    await task
    return feed, observer


def test_a_synchronous_handler_runs_in_a_thread_and_is_done():
    """A handler that blocks does so in a thread of its own, not on the event loop.

    Did: registered a handler with plain `def`, and ran an attempt of it.
    Saw: it ran in a thread of the pool, and its job was done.
    Otherwise: it would have run on the loop's thread and held up every lane.
    """
    handlers, names = Handlers(), []

    @handlers.handler("greet")
    def greet(each):
        names.append(threading.current_thread().name)
        assert not stop_requested()

    with ThreadPoolExecutor(1, thread_name_prefix="job") as threads:
        feed, observer = asyncio.run(attempt(handlers, threads))
    assert names == ["job_0"]
    assert feed.done == [job(1).id]
    assert observer.outcomes() == {"done": 1}


def test_a_thread_sees_that_its_attempt_was_given_up_and_what_it_does_then_counts_for_nothing():
    handlers, started, gave_up = Handlers(RetryPolicy(max_attempts=1)), threading.Event(), threading.Event()

    @handlers.handler("greet")
    def greet(each):
        started.set()
        while not stop_requested():
            threading.Event().wait(0.001)
        gave_up.set()
        raise ValueError("too late to matter")

    async def time_out(lane):
        await asyncio.to_thread(started.wait)
        lane.stop(Stop.TIMED_OUT)

    with ThreadPoolExecutor(1) as threads:
        feed, observer = asyncio.run(attempt(handlers, threads, time_out))
    assert gave_up.is_set()
    assert feed.done == []
    assert feed.verdicts[0].job.failures[0].causes[0].type.endswith("JobTimedOut")
    assert isinstance(observer.attempts[0][3], JobTimedOut)


def test_a_drained_thread_gives_its_job_back():
    handlers, started = Handlers(), threading.Event()

    @handlers.handler("greet")
    def greet(each):
        started.set()
        while not stop_requested():
            threading.Event().wait(0.001)

    async def drain(lane):
        await asyncio.to_thread(started.wait)
        lane.stop(Stop.DRAINED)
        lane.stop(Stop.LOST)  # the first reason stands

    with ThreadPoolExecutor(1) as threads:
        feed, observer = asyncio.run(attempt(handlers, threads, drain))
    assert feed.unfinished == [job(1).id]
    assert observer.outcomes() == {"given_back": 1}


def test_outside_a_handler_nothing_is_given_up():
    assert not stop_requested()
