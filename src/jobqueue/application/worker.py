"""A worker: its traffic with the store, slots that run jobs, background loops, and a drain that gives back the rest."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from jobqueue.application.admit import Admitter
from jobqueue.application.handlers import Handlers
from jobqueue.application.heartbeat import Heartbeat
from jobqueue.application.loop import every, steadily
from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.job_store import JobStore
from jobqueue.application.ports.observer import Observer
from jobqueue.application.promote import Promoter
from jobqueue.application.reap import Reaper
from jobqueue.application.slot import Slot, Stop
from jobqueue.application.traffic import Traffic
from jobqueue.application.trim import Retention, Trimmer
from jobqueue.domain import defaults
from jobqueue.domain.admission import AdmissionPolicy

WATCH_EVERY_S = 0.1

# Shares of the grace at whose end a drain turns to what comes next. The last tenth belongs to the process, which closes
# the store and stops an embedded server.
JOBS_END = 0.8
CANCELLED_JOBS_END = 0.84
SETTLED = 0.88
DRAINED = 0.9


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker works.

    Attributes:
        queues: Names of the queues it serves, each with an equal share of the prefetch.
        concurrency: Jobs that run at once; at least 1.
        prefetch: How many more jobs the worker may hold, but at least one of each queue, so that it skips none. It
            claims that many only if jobs end fast enough.
        lease_s: Seconds that the worker may be silent before its jobs go to another.
        grace_s: Seconds that a drain may take in all. Running jobs get four fifths of them.
        admission: How retries are paid for.
        retention: What the trimmer keeps.
        key_for_s: Seconds that the mark of an effect lives on after its job is acknowledged.
    """

    queues: Sequence[str] = ("default",)
    concurrency: int = defaults.CONCURRENCY
    prefetch: int = defaults.PREFETCH
    lease_s: float = defaults.LEASE_S
    grace_s: float = defaults.GRACE_S
    admission: AdmissionPolicy = field(default_factory=AdmissionPolicy)
    retention: Retention = field(default_factory=Retention)
    key_for_s: float = defaults.KEY_FOR_S


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What a health check needs to know.

    Attributes:
        running: Jobs that run.
        ahead: Jobs that the worker holds and no slot has started.
        draining: Whether a drain has begun.
        silent_s: How long ago the store last answered for all queues.
        defects: Slots that ended because of a bug in the service; if there are any, replace the worker.
    """

    running: int
    ahead: int
    draining: bool
    silent_s: float
    defects: int


class Worker:
    """Runs jobs of some queues until it is drained.

    Args:
        store: Where the jobs are.
        handlers: The handler of each job type.
        clock: Tells the time and waits.
        observer: Hears of everything.
        rng: Draws delays; a `random.Random` that nothing else uses.
        worker_id: Unique among all workers. Lease tokens begin with it, and it may contain no full stop.
        settings: How it works.
    """

    def __init__(
        self,
        store: JobStore,
        handlers: Handlers,
        clock: Clock,
        observer: Observer,
        rng: random.Random,
        *,
        worker_id: str,
        settings: WorkerSettings,
    ) -> None:
        self._clock = clock
        self._observer = observer
        self._rng = rng
        self._settings = settings
        self._threads = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="job")
        self._idle: deque[asyncio.Future[None]] = deque()
        self._tasks: dict[str, list[asyncio.Task[None]]] = {"slots": [], "traffic": [], "loops": [], "heartbeat": []}
        self._answered_at = clock.now()
        self._defects = 0
        self._draining: asyncio.Task[None] | None = None
        self._slots = [
            Slot(
                handlers=handlers,
                clock=clock,
                observer=observer,
                rng=rng,
                threads=self._threads,
                keep_marks_s=settings.retention.dead_for_s + defaults.WAITING_FOR_S,
            )
            for _ in range(settings.concurrency)
        ]
        self._traffic = deque(
            Traffic(
                store,
                clock,
                observer,
                rng,
                queue=queue,
                worker_id=worker_id,
                lease_s=settings.lease_s,
                prefetch=settings.prefetch // len(settings.queues),
                done_max=settings.retention.done_max,
                key_for_s=settings.key_for_s,
                idle_slots=lambda: len(self._idle),
                deliver=self._wake_slots,
            )
            for queue in settings.queues
        )
        queues = settings.queues
        self._heartbeat = Heartbeat(store, observer, tuple(self._traffic), self._slots, settings.lease_s)
        self._promoter = Promoter(store, observer, queues)
        self._upkeep: dict[str, tuple[float, Callable[[float], Awaitable[bool]]]] = {
            "promote": (defaults.PROMOTE_EVERY_S, self._promote),
            "admit": (
                defaults.ADMIT_EVERY_S,
                Admitter(store, observer, queues, settings.admission).run_once,
            ),
            "reap": (defaults.REAP_EVERY_S, Reaper(store, observer, queues, handlers.policy_for).run_once),
            "trim": (defaults.TRIM_EVERY_S, Trimmer(store, observer, queues, settings.retention).run_once),
            "watch": (WATCH_EVERY_S, self._watch),
        }

    def start(self) -> None:
        """Start working; call it once, inside the running event loop."""
        for slot in self._slots:
            self._start("slots", slot.run(self._next_traffic, self._be_idle))
        for traffic in self._traffic:
            self._start("traffic", traffic.run())
        for name, (interval_s, run_once) in self._upkeep.items():
            self._start("loops", self._every(interval_s, run_once, name))
        beat = self._heartbeat
        beating = steadily(beat.interval_s, beat.run_once, name="heartbeat", clock=self._clock, observer=self._observer)
        self._start("heartbeat", beating)

    def status(self) -> WorkerStatus:
        """Return what a health check needs."""
        now = self._clock.now()
        return WorkerStatus(
            running=sum(slot.lease is not None for slot in self._slots),
            ahead=sum(len(traffic.buffer) for traffic in self._traffic),
            draining=self._draining is not None,
            silent_s=now - self._answered_at,
            defects=self._defects,
        )

    # --8<-- [start:drain]
    async def drain(self, grace_s: float | None = None) -> None:
        """Stop claiming, let running jobs finish, give back the rest, and return within the grace period.

        Running jobs get four fifths of it. Then they are cancelled: those that end in that moment are still settled,
        and the others are given back. A second call waits for the first one.
        """
        if self._draining is None:
            grace_s = self._settings.grace_s if grace_s is None else grace_s
            self._draining = asyncio.create_task(self._drain(grace_s))
        await asyncio.shield(self._draining)

    async def _drain(self, grace_s: float) -> None:
        began = self._clock.ticks()

        def left_s(share: float) -> float:
            return max(0.0, began + grace_s * share - self._clock.ticks())

        self._cancel("loops")
        for traffic in self._traffic:
            traffic.close()
        await self._slots_empty(left_s(JOBS_END))
        for slot in self._slots:
            slot.stop(Stop.DRAINED)
        await self._slots_empty(left_s(CANCELLED_JOBS_END))
        self._cancel("slots")
        for traffic in self._traffic:
            traffic.finish()
        await asyncio.wait(self._tasks["traffic"], timeout=left_s(SETTLED))
        self._cancel("traffic", "heartbeat")
        # A handler that ignores its cancellation is left behind: its lease lapses, and the job is run again.
        await asyncio.wait([task for tasks in self._tasks.values() for task in tasks], timeout=left_s(DRAINED))
        self._threads.shutdown(wait=False, cancel_futures=True)

    # --8<-- [end:drain]

    async def _slots_empty(self, limit_s: float) -> None:
        give_up_at = self._clock.ticks() + limit_s
        while any(slot.lease is not None for slot in self._slots) and self._clock.ticks() < give_up_at:
            await self._clock.sleep(0.02)

    def _next_traffic(self) -> Traffic | None:
        """Return the traffic of a queue with a job in its buffer, each queue in turn, or None."""
        queues = self._traffic
        for _ in range(len(queues)):
            traffic = queues[0]
            queues.rotate(-1)
            if traffic.buffer:
                return traffic
        return None

    def _be_idle(self) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().create_future()
        self._idle.append(future)
        return future

    def _wake_slots(self) -> None:
        jobs = sum(len(traffic.buffer) for traffic in self._traffic)
        while self._idle and jobs > 0:
            future = self._idle.popleft()
            if not future.done():
                future.set_result(None)
                jobs -= 1

    async def _promote(self, now: float) -> bool:
        more = await self._promoter.run_once(now)
        self._answered_at = now  # the pass that asks most often for all queues tells that the store answers
        return more

    async def _watch(self, now: float) -> bool:  # noqa: ARG002 - durations are measured in ticks
        ticks = self._clock.ticks()
        for slot in self._slots:
            slot.stop_if_late(ticks)
        return False

    def _every(
        self, interval_s: float, run_once: Callable[[float], Awaitable[bool]], name: str
    ) -> Coroutine[None, None, None]:
        return every(interval_s, run_once, name=name, clock=self._clock, observer=self._observer, rng=self._rng)

    def _start(self, kind: str, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks[kind].append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Note that a bug has ended a task; its job comes back when the lease lapses."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._observer.failed("worker", error)
            self._defects += 1

    def _cancel(self, *kinds: str) -> None:
        for kind in kinds:
            for task in self._tasks[kind]:
                task.cancel()
