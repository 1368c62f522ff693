"""Unit tests of the job service: `async def` tests run on virtual time, so that nothing sleeps."""

import inspect
import random

import pytest

from jobqueue.application.handlers import Handlers
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.domain.retry import RetryPolicy
from tests.jobqueue.fakes import virtual_time
from tests.jobqueue.fakes.broken_store import BrokenStore
from tests.jobqueue.fakes.memory_job_store import MemoryJobStore
from tests.jobqueue.fakes.recording_observer import RecordingObserver


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run `async def` tests on a loop whose clock jumps to the next timer."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    virtual_time.run(pyfuncitem.obj(**arguments))
    return True


class Bench:
    """A worker's surroundings: store, observer, clock, handlers; all of it fake, and one seed."""

    def __init__(self):
        self.memory = MemoryJobStore()
        self.store = BrokenStore(self.memory)
        self.observer = RecordingObserver()
        self.clock = virtual_time.VirtualClock()
        self.handlers = Handlers(RetryPolicy(max_attempts=3, base_s=1.0, cap_s=4.0, survive_s=0.0))
        self.rng = random.Random(137)

    def worker(self, worker_id="w", store=None, **settings):
        settings = {"queues": ("q",), "concurrency": 4, "lease_s": 15.0, **settings}
        return Worker(
            store or self.store,
            self.handlers,
            self.clock,
            self.observer,
            self.rng,
            worker_id=worker_id,
            settings=WorkerSettings(**settings),
        )

    async def submit(self, *jobs, queue="q"):
        now = self.clock.now()
        jobs = [each._replace(submitted_at=now, due_at=now + each.due_at - each.submitted_at) for each in jobs]
        await self.memory.submit(queue, jobs, now=now, key_for_s=100.0)

    async def depth(self, queue="q"):
        stats = await self.memory.stats(queue, now=self.clock.now())
        return {state.value: count for state, count in stats.depth.items() if count}


@pytest.fixture
def bench():
    return Bench()
