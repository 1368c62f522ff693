"""Synchronous handlers, in real threads; events, not time, say when to go on."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor

from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers, stop_requested
from jobqueue.application.slot import Slot, Stop
from jobqueue.domain.errors import JobTimedOut
from jobqueue.domain.job import Lease
from jobqueue.domain.retry import RetryPolicy
from tests.jobqueue.fakes.jobs import job
from tests.jobqueue.fakes.recording_observer import RecordingObserver


class Traffic:
    """Keeps what a slot brings."""

    def __init__(self):
        self.done, self.verdicts, self.unfinished = [], [], []

    def acknowledge(self, lease):
        self.done.append(lease.job.id)

    def settle_failed(self, lease, verdict):
        self.verdicts.append(verdict)

    def give_back(self, lease):
        self.unfinished.append(lease.job.id)


async def attempt(handlers, threads, meanwhile=None):
    """Run one attempt at job 1 in a slot of its own; return traffic and observer."""
    traffic, observer = Traffic(), RecordingObserver()
    slot = Slot(
        handlers=handlers,
        clock=SystemClock(),
        observer=observer,
        rng=random.Random(1),
        threads=threads,
    )
    slot._task = task = asyncio.create_task(slot._attempt(traffic, Lease(job(1), "w.1", 0.0)))
    if meanwhile:
        await meanwhile(slot)
    await task
    return traffic, observer


def test_a_synchronous_handler_runs_in_a_thread_and_is_done():
    """A handler that blocks does so in a thread of its own, not on the event loop.

    Did: registered a handler with plain `def`, and ran an attempt of it.
    Saw: it ran in a thread of the pool, and its job was done.
    Otherwise: it would have run on the loop's thread and held up every slot.
    """
    handlers, names = Handlers(), []

    @handlers.handler("greet")
    def greet(each):
        names.append(threading.current_thread().name)
        assert not stop_requested()

    with ThreadPoolExecutor(1, thread_name_prefix="job") as threads:
        traffic, observer = asyncio.run(attempt(handlers, threads))
    assert names == ["job_0"]
    assert traffic.done == [job(1).id]
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

    async def time_out(slot):
        await asyncio.to_thread(started.wait)
        slot.stop(Stop.TIMED_OUT)

    with ThreadPoolExecutor(1) as threads:
        traffic, observer = asyncio.run(attempt(handlers, threads, time_out))
    assert gave_up.is_set()
    assert traffic.done == []
    assert traffic.verdicts[0].job.failures[0].causes[0].type.endswith("JobTimedOut")
    assert isinstance(observer.attempts[0][3], JobTimedOut)


def test_a_drained_thread_gives_its_job_back():
    handlers, started = Handlers(), threading.Event()

    @handlers.handler("greet")
    def greet(each):
        started.set()
        while not stop_requested():
            threading.Event().wait(0.001)

    async def drain(slot):
        await asyncio.to_thread(started.wait)
        slot.stop(Stop.DRAINED)
        slot.stop(Stop.LOST)  # the first reason stands

    with ThreadPoolExecutor(1) as threads:
        traffic, observer = asyncio.run(attempt(handlers, threads, drain))
    assert traffic.unfinished == [job(1).id]
    assert observer.outcomes() == {"given_back": 1}


def test_outside_a_handler_nothing_is_given_up():
    assert not stop_requested()


def test_asynchronous_handlers_share_the_loops_thread():
    """Handlers that wait cost no thread.

    Did: ran two attempts of an `async def` handler at the same time, and noted the thread of each.
    Saw: both ran in the event loop's own thread.
    Otherwise: each would have a thread.
    """
    handlers, threads = Handlers(), []

    @handlers.handler("greet")
    async def greet(each):
        await asyncio.sleep(0)
        threads.append(threading.get_ident())

    async def scenario():
        with ThreadPoolExecutor(1) as pool:
            await asyncio.gather(attempt(handlers, pool), attempt(handlers, pool))
        return threading.get_ident()

    own = asyncio.run(scenario())
    assert threads == [own, own]
