"""One slot of a worker, and the attempt that runs in it: how it starts, how it is stopped, how it ends."""

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from enum import Enum

from jobqueue.application import effect_marks
from jobqueue.application.effect_marks import AttemptMarks
from jobqueue.application.handlers import Handler, Handlers, in_thread
from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.observer import Observer, Outcome
from jobqueue.application.traffic import Traffic
from jobqueue.domain import defaults
from jobqueue.domain.errors import JobTimedOut, UnknownJobType
from jobqueue.domain.job import Lease
from jobqueue.domain.retry import RetryPolicy
from jobqueue.domain.verdict import Bury, after_failure

YIELD_EVERY = 32


class Stop(Enum):
    """Why a running attempt is stopped from outside."""

    TIMED_OUT = "timed out"
    LOST = "lease lost"
    DRAINED = "drained"


class Slot:
    """A coroutine that runs one job at a time, and the state of it that other parts read.

    Args:
        handlers: The handler of each job type.
        clock: Measures durations.
        observer: Hears of every attempt.
        rng: Draws the delays of retries.
        threads: Where synchronous handlers run.
        keep_marks_s: Seconds for which the mark of an effect lives while its job may run again.
    """

    def __init__(
        self,
        *,
        handlers: Handlers,
        clock: Clock,
        observer: Observer,
        rng: random.Random,
        threads: Executor,
        keep_marks_s: float = defaults.DEAD_FOR_S + defaults.WAITING_FOR_S,
    ) -> None:
        self._handlers = handlers
        self._clock = clock
        self._observer = observer
        self._rng = rng
        self._threads = threads
        self._marks = AttemptMarks(keep_marks_s)
        self._task: asyncio.Task[None] | None = None
        self._thread_stop: threading.Event | None = None
        self.traffic: Traffic | None = None
        self.lease: Lease | None = None
        self.ends_at = 0.0
        self.stopped: Stop | None = None

    # --8<-- [start:slot]
    async def run(self, next_traffic: Callable[[], Traffic | None], idle: Callable[[], asyncio.Future[None]]) -> None:
        """Run jobs from the buffers of all queues, one after the other, until cancelled while idle.

        A handler that never awaits keeps the event loop busy. So the slot yields to other tasks after some jobs in a
        row, and as soon as a request for more jobs is due: then the store works while the slots run the jobs that are
        left.
        """
        self._task = task = asyncio.current_task()
        effect_marks.enter(self._marks)
        in_a_row = 0
        while task is None or not task.cancelling():  # a handler may have swallowed the cancellation meant for us
            traffic = next_traffic()
            if traffic is None:
                await idle()
                continue
            # --8<-- [start:yield]
            if traffic.pressing or in_a_row == YIELD_EVERY:
                in_a_row = 0
                await asyncio.sleep(0)
                # --8<-- [end:yield]
                if not traffic.buffer:
                    continue
            await self._attempt(traffic, traffic.take())
            in_a_row += 1

    # --8<-- [end:slot]

    # --8<-- [start:attempt]
    async def _attempt(self, traffic: Traffic, lease: Lease) -> None:
        job = lease.job
        handler = self._handlers.get(job.type)
        policy = handler.policy if handler else self._handlers.default_policy
        started = self._observer.attempt_started(job)
        began = self._clock.ticks()
        self.traffic, self.lease, self.stopped = traffic, lease, None
        self.ends_at = began + (handler.timeout_s if handler else 0.0)
        error: BaseException | None = None
        try:
            if handler is None:
                types = ", ".join(self._handlers.types()) or "none"
                error = UnknownJobType(f"no handler for job type {job.type!r}; this worker has {types}")
            elif handler.is_async:
                await handler.work(job)  # type: ignore[misc]
            else:
                await self._in_thread(handler, lease)
        except asyncio.CancelledError as cancelled:
            if self.stopped is None and self._task is not None and self._task.cancelling():
                raise  # the process is ending without a drain: the lease lapses, the job is run again
            error = cancelled
        except Exception as raised:  # noqa: BLE001 - whatever a handler raises is the job's failure, not the worker's
            error = raised
        finally:
            self.traffic = self.lease = None
        elapsed_s = self._clock.ticks() - began
        outcome, error = self._settle(traffic, lease, policy, error)
        self._observer.attempt_ended(job, started, outcome, elapsed_s, error)

    # --8<-- [end:attempt]

    # --8<-- [start:settle]
    def _settle(
        self, traffic: Traffic, lease: Lease, policy: RetryPolicy, error: BaseException | None
    ) -> tuple[Outcome, BaseException | None]:
        """Decide what happens to the job, and note it for the next request."""
        if self.stopped is not None and self._task is not None:
            self._task.uncancel()
        if self.stopped is Stop.LOST:
            return Outcome.LOST, error
        if error is None:
            if self._marks.left:
                traffic.shorten_marks(lease, self._marks.take(lease.job))
            traffic.acknowledge(lease)
            return Outcome.DONE, None
        if self.stopped is Stop.DRAINED:
            traffic.give_back(lease)
            return Outcome.GIVEN_BACK, error
        if self.stopped is Stop.TIMED_OUT:
            timed_out = JobTimedOut(f"attempt {lease.job.attempt} ran into the timeout of its handler")
            timed_out.__cause__ = None if isinstance(error, asyncio.CancelledError) else error
            error = timed_out
        verdict = after_failure(lease.job, error, policy, now=self._clock.now(), rng=self._rng)
        traffic.settle_failed(lease, verdict)
        return (Outcome.DEAD if isinstance(verdict, Bury) else Outcome.RETRIED), error

    # --8<-- [end:settle]

    async def _in_thread(self, handler: Handler, lease: Lease) -> None:
        stop = self._thread_stop = threading.Event()
        call = in_thread(handler, lease.job, stop)
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, call)
        finally:
            self._thread_stop = None

    # --8<-- [start:stop]
    def stop(self, why: Stop) -> None:
        """Stop the running attempt: cancel a coroutine where it waits, or ask a thread to return."""
        if self.lease is None or self.stopped is not None or self._task is None:
            return
        self.stopped = why
        if self._thread_stop is not None:
            self._thread_stop.set()
        self._task.cancel()

    def stop_if_late(self, ticks: float) -> None:
        """Stop the attempt if it runs longer than its handler may."""
        if self.lease is not None and ticks > self.ends_at:
            self.stop(Stop.TIMED_OUT)

    # --8<-- [end:stop]
