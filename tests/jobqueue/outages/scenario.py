"""An outage in virtual time: a fleet of real workers, a dependency that goes down, and a healthy job type beside."""

import asyncio
import random
from dataclasses import dataclass, field

from jobqueue.application.handlers import Handlers
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.domain.errors import TransientError
from jobqueue.domain.job import JobState
from tests.jobqueue.fakes import virtual_time
from tests.jobqueue.fakes.recording_observer import RecordingObserver

BEFORE_S = 15.0
ATTEMPT_S = 0.02


class Dependency:
    """Refuses every call while it is down, and what is more than twice the usual load afterwards.

    The load is measured by a token bucket that holds what it bears in a second, or five calls.
    """

    def __init__(self, clock, usual_per_s):
        self.clock = clock
        self.bears_per_s = 2.0 * usual_per_s
        self.holds = max(5.0, self.bears_per_s)
        self.tokens, self.asked_at = self.holds, clock.ticks()
        self.down = False
        self.calls = self.refused = 0
        self.served_at = None  # the first success since `repair`

    def break_down(self):
        self.down, self.calls = True, 0

    def repair(self):
        self.down, self.calls, self.refused, self.served_at = False, 0, 0, None

    def call(self):
        self.calls += 1
        if self.down:
            raise TransientError("the dependency is down")
        now = self.clock.ticks()
        self.tokens = min(self.holds, self.tokens + (now - self.asked_at) * self.bears_per_s)
        self.asked_at = now
        if self.tokens < 1.0:
            self.refused += 1
            raise TransientError("the dependency refuses: too many calls")
        self.tokens -= 1.0
        self.served_at = self.served_at or now


@dataclass
class Report:
    """What came of it.

    Attributes:
        load: Calls during the outage for each job that came in meanwhile.
        first_success_s: From the recovery to the first call that succeeded.
        drained_s: From the recovery until all jobs that came in before it were done.
        refused: Share of the calls that were refused while the backlog was drained.
        dead: Jobs that were buried.
        latency_before_s: The longest a job of the healthy type waited before the outage.
        latency_s: The longest it waited during the outage and while the backlog was drained.
        jobs: Jobs of the failing type that came in during the outage.
    """

    load: float = 0.0
    first_success_s: float = 0.0
    drained_s: float = 0.0
    refused: float = 0.0
    dead: int = 0
    latency_before_s: float = 0.0
    latency_s: float = 0.0
    jobs: int = 0
    left: set = field(default_factory=set)


def outage(store, *, outage_s, jobs_per_s, workers, gives_up_s, evenly=True, seed=1):
    """Run the scenario on a store and return its `Report`."""
    return virtual_time.run(
        _outage(store, outage_s, jobs_per_s, workers, gives_up_s, random.Random(seed), evenly=evenly)
    )


async def _outage(store, outage_s, jobs_per_s, workers, gives_up_s, rng, *, evenly):
    clock, observer, report = virtual_time.VirtualClock(), RecordingObserver(), Report()
    observer.attempt_ended = lambda *_: None  # a million of them need not be kept
    dependency, handlers, waits = Dependency(clock, jobs_per_s), Handlers(), []
    waiting_for = set()

    @handlers.handler("charge")
    async def charge(job):
        await asyncio.sleep(ATTEMPT_S)
        dependency.call()
        waiting_for.discard(job.id)

    @handlers.handler("greet")
    async def greet(job):
        waits.append(clock.now() - job.submitted_at)
        await asyncio.sleep(ATTEMPT_S)

    submitter = Submitter(store, clock, observer, new_id=lambda: f"{rng.getrandbits(128):032x}")
    fleet = [
        Worker(
            store,
            handlers,
            clock,
            observer,
            random.Random(rng.random()),
            worker_id=f"w{number}",
            settings=WorkerSettings(queues=("q",), concurrency=100 // workers),
        )
        for number in range(workers)
    ]
    for worker in fleet:
        worker.start()
        await asyncio.sleep(0.2 / workers)  # so that their loops don't beat as one

    async def arrivals():
        while True:
            charged, _ = await submitter.submit_many("q", [JobRequest("charge"), JobRequest("greet")])
            waiting_for.add(charged.id)
            if dependency.down:
                report.jobs += 1
            await asyncio.sleep(1.0 / jobs_per_s if evenly else rng.expovariate(jobs_per_s))

    arriving = asyncio.create_task(arrivals())
    await asyncio.sleep(BEFORE_S)
    report.latency_before_s = max(waits)
    waits.clear()
    dependency.break_down()
    await asyncio.sleep(outage_s)
    report.load = dependency.calls / report.jobs
    dependency.repair()
    repaired_at = clock.ticks()
    backlog = set(waiting_for)
    while backlog and clock.ticks() - repaired_at < gives_up_s:
        await asyncio.sleep(0.5)
        backlog &= waiting_for
    report.left = backlog
    report.drained_s = clock.ticks() - repaired_at
    report.refused = dependency.refused / dependency.calls
    report.first_success_s = (dependency.served_at or float("inf")) - repaired_at
    report.latency_s = max(waits)
    arriving.cancel()
    await asyncio.gather(*(worker.drain() for worker in fleet))
    stats = await store.stats("q", now=clock.now())
    report.dead = stats.depth[JobState.DEAD]
    return report
