"""One queue's traffic with the store: takes jobs ahead of the lanes, and brings back what became of them."""

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable

from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.job_store import JobLeases, Receipt, Taken
from jobqueue.application.ports.observer import Observer
from jobqueue.domain import defaults
from jobqueue.domain.job import Lease
from jobqueue.domain.retry import RetryBudget, full_jitter_s
from jobqueue.domain.verdict import Bury, Retry, unreadable_job

LINGER_S = 0.005
WAIT_S = 1.0


class Feed:
    """Keeps a local buffer of leased jobs filled, and settles finished ones, a batch a round trip.

    Args:
        store: Where the jobs are.
        clock: Tells the instants of leases.
        observer: Hears of what was taken and lost.
        rng: Draws the delay after the store failed.
        budget: Earns for what was done.
        queue: Name of the queue.
        worker_id: Begins every lease token: tells who held a job.
        lease_s: Length of a lease, in seconds.
        prefetch: Most jobs to hold beyond those that lanes can start at once.
        idle_lanes: Returns how many lanes have nothing to do.
        deliver: Called when the buffer holds jobs for idle lanes.
    """

    def __init__(
        self,
        store: JobLeases,
        clock: Clock,
        observer: Observer,
        rng: random.Random,
        budget: RetryBudget,
        *,
        queue: str,
        worker_id: str,
        lease_s: float,
        prefetch: int,
        idle_lanes: Callable[[], int],
        deliver: Callable[[], None],
    ) -> None:
        self.queue = queue
        self.buffer: deque[Lease] = deque()
        self.done: list[Receipt] = []
        self.failed: list[tuple[Receipt, Retry | Bury]] = []
        self.unfinished: list[Lease] = []
        self._store = store
        self._clock = clock
        self._observer = observer
        self._rng = rng
        self._budget = budget
        self._worker_id = worker_id
        self._claims = 0
        self._lease_s = lease_s
        self._prefetch = prefetch
        self._idle_lanes = idle_lanes
        self._deliver = deliver
        self._left_at = clock.ticks()
        self._pace = 0.0  # jobs that end, a second
        self._low = 0  # jobs that end during LINGER_S: half of what is held ahead
        self._more = True
        self.pressing = False  # a trip for more is due, and waits for its turn of the loop
        self._closing = False
        self._ending = False
        self._wake = asyncio.Event()
        self._waiter: asyncio.Task[None] | None = None

    # --8<-- [start:hand-over]
    def take(self) -> Lease:
        """Hand the next job to a lane, and send for more when the buffer runs low."""
        lease = self.buffer.popleft()
        if len(self.buffer) == self._low:
            self.pressing = self._more
            self._wake.set()
        return lease

    def succeeded(self, lease: Lease) -> None:
        """Note a job to acknowledge on the next trip."""
        self.done.append(Receipt(lease.job.id, lease.token))
        if len(self.done) == 1:
            self._wake.set()

    def did_not_succeed(self, lease: Lease, verdict: Retry | Bury) -> None:
        """Note a job to schedule again or to bury on the next trip."""
        self.failed.append((Receipt(lease.job.id, lease.token), verdict))
        self._wake.set()

    def did_not_finish(self, lease: Lease) -> None:
        """Note a job to put back at the head of ready on the next trip."""
        self.unfinished.append(lease)
        self._wake.set()

    # --8<-- [end:hand-over]

    def forget(self, job_ids: set[str]) -> None:
        """Drop jobs from the buffer whose lease is lost, and send for others: nobody will take these."""
        self.buffer = deque(lease for lease in self.buffer if lease.job.id not in job_ids)
        self._wake.set()

    # --8<-- [start:feed-loop]
    async def run(self) -> None:
        """Travel until finished and everything is settled. A store that fails is asked again, later each time."""
        failures = 0
        while True:
            self._wake.clear()
            try:
                if self.failed:
                    await self._settle_failed()
                elif self.unfinished:
                    await self._give_back()
                elif self.done or (self._more and self._room() > 0):
                    await self._linger()
                    await self._exchange()
                elif self._ending:
                    return
                else:
                    self._wait_if_there_is_room()
                    await self._wake.wait()
                failures = 0
            except Exception as error:  # noqa: BLE001 - a defect, too, must be heard of and must not end the traffic
                failures += 1
                self._observer.failed(f"feed of {self.queue}", error)
                await self._clock.sleep(full_jitter_s(failures, 0.1, 5.0, self._rng))

    def _room(self) -> int:
        """Return how many more jobs to take now.

        Those that idle lanes can start, and ahead of them as many as end in 10 ms: a worker of slow jobs keeps next to
        none from its neighbours, one of fast jobs up to the prefetch limit. At least one, so that a busy worker passes
        no queue over. Nothing while the buffer holds more than half, so that trips are few and full.
        """
        ahead = len(self.buffer)
        if self._closing or ahead > self._low:
            return 0
        return min(max(1, self._idle_lanes() + 2 * self._low) - ahead, defaults.BATCH_LIMIT)

    def _measure(self, ended: int) -> None:
        """Adjust what is held ahead to the pace at which jobs end: half the last trip's, half the earlier ones'."""
        now = self._clock.ticks()
        pace = ended / max(now - self._left_at, 1e-4)
        self._left_at = now
        self._pace = (self._pace + pace) / 2
        self._low = min(math.ceil(self._pace * LINGER_S), self._prefetch // 2)

    async def _linger(self) -> None:
        """Wait a little for more to acknowledge while lanes have enough to do."""
        if len(self.buffer) > self._low and not self._closing:
            try:
                async with asyncio.timeout(LINGER_S):
                    while len(self.buffer) > self._low:
                        self._wake.clear()
                        await self._wake.wait()
            except TimeoutError:
                pass

    async def _exchange(self) -> None:
        """Acknowledge what is done and take what there is room for, in one round trip."""
        self.pressing = False
        done, self.done = self.done[: defaults.BATCH_LIMIT], self.done[defaults.BATCH_LIMIT :]
        self._measure(len(done))
        wanted = self._room() if self._more else 0
        try:
            taken = await self._store.exchange(
                self.queue, done, wanted=wanted, token=self._token(), now=self._clock.now(), lease_s=self._lease_s
            )
        except Exception:
            self.done = done + self.done
            raise
        if done:
            self._budget.deposit(len(done) - len(taken.refused))
        if wanted:
            self._more = len(taken.leases) + len(taken.unreadable) == wanted
        self._accept(taken)

    # --8<-- [end:feed-loop]

    # --8<-- [start:idle]
    def _wait_if_there_is_room(self) -> None:
        """Start waiting for the first job of an empty queue, unless a wait is under way; trips go on meanwhile."""
        wanted = self._room()
        if self._waiter is None and wanted > 0:
            self._waiter = asyncio.create_task(self._wait(wanted))

    async def _wait(self, wanted: int) -> None:
        """Wait for the first job, and hand it to a lane straight from the reply."""
        try:
            taken = await self._store.wait(
                self.queue,
                wanted=wanted,
                token=self._token(),
                now=self._clock.now(),
                lease_s=self._lease_s,
                wait_s=min(WAIT_S, self._lease_s / 5),
            )
            self._more = len(taken.leases) + len(taken.unreadable) == wanted
            self._accept(taken)
        except Exception as error:  # noqa: BLE001 - as in run
            self._observer.failed(f"wait for {self.queue}", error)
            await self._clock.sleep(full_jitter_s(1, 1.0, 1.0, self._rng))
        finally:
            self._waiter = None
            self._wake.set()

    # --8<-- [end:idle]

    async def _settle_failed(self) -> None:
        batch, self.failed = self.failed[: defaults.BATCH_LIMIT], self.failed[defaults.BATCH_LIMIT :]
        try:
            refused = await self._store.fail(
                self.queue, [receipt for receipt, _ in batch], [verdict for _, verdict in batch], now=self._clock.now()
            )
        except Exception:
            self.failed = batch + self.failed
            raise
        if refused:
            self._observer.leases_lost(self.queue, refused)

    def _token(self) -> str:
        self._claims += 1
        return f"{self._worker_id}.{self._claims}"

    def _accept(self, taken: Taken) -> None:
        if taken.refused:
            self._observer.leases_lost(self.queue, taken.refused)
        for broken in taken.unreadable:
            job = unreadable_job(broken.id, self.queue, broken.raw, broken.problem, self._clock.now())
            self.failed.append((Receipt(broken.id, broken.token), Bury(job)))
        if not taken.leases:
            return
        if self._closing:
            self.unfinished.extend(taken.leases)
            return
        self.buffer.extend(taken.leases)
        self._observer.taken(self.queue, len(taken.leases))
        self._deliver()

    async def _give_back(self) -> None:
        batch, self.unfinished = self.unfinished[: defaults.BATCH_LIMIT], self.unfinished[defaults.BATCH_LIMIT :]
        receipts = [Receipt(lease.job.id, lease.token) for lease in batch]
        try:
            refused = await self._store.give_back(self.queue, receipts, now=self._clock.now())
        except Exception:
            self.unfinished = batch + self.unfinished
            raise
        if refused:
            self._observer.leases_lost(self.queue, refused)

    # --8<-- [start:close]
    async def close(self) -> None:
        """Take no more, and give back what no lane has started. Returns when a wait under way has ended."""
        self._closing = True
        self.unfinished.extend(self.buffer)
        self.buffer.clear()
        self._wake.set()
        if self._waiter is not None:
            await asyncio.wait([self._waiter])

    def finish(self) -> None:
        """Let `run` return as soon as everything is settled; the lanes bring nothing any more."""
        self._ending = True
        self._wake.set()

    # --8<-- [end:close]
