"""One queue's traffic with the store: claim jobs ahead of the slots, and report their results."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence

from jobqueue.application.effect_marks import Mark, Shortener
from jobqueue.application.outbox import Outbox
from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.job_store import Claim, JobLeases, Receipt
from jobqueue.application.ports.observer import Observer
from jobqueue.application.prefetch import LINGER_S, Prefetch
from jobqueue.domain.job import Lease
from jobqueue.domain.retry import full_jitter_s
from jobqueue.domain.verdict import Bury, Retry, unreadable_job

WAIT_S = 1.0


class Traffic:
    """Keeps a local buffer of leased jobs filled, and reports results in batches, one per round trip.

    Args:
        store: Where the jobs are.
        clock: Gives the instants of leases.
        observer: Hears of what was claimed and lost.
        rng: Draws the delay after the store failed.
        queue: Name of the queue.
        worker_id: The beginning of every lease token; shows which worker held a job.
        lease_s: Length of a lease, in seconds.
        prefetch: How many jobs to hold, at most, beyond those that slots can start right away.
        done_max: How many done jobs the queue keeps for look-ups.
        key_for_s: Seconds that the mark of an effect lives on after its job is acknowledged.
        idle_slots: Returns how many slots have nothing to do.
        deliver: Called when the buffer holds jobs for idle slots.
    """

    def __init__(
        self,
        store: JobLeases,
        clock: Clock,
        observer: Observer,
        rng: random.Random,
        *,
        queue: str,
        worker_id: str,
        lease_s: float,
        prefetch: int,
        done_max: int,
        key_for_s: float,
        idle_slots: Callable[[], int],
        deliver: Callable[[], None],
    ) -> None:
        self.queue = queue
        self.buffer: deque[Lease] = deque()
        self.outbox = Outbox()
        self.pressing = False  # a request for more is due, and waits for its turn of the event loop
        self._store = store
        self._clock = clock
        self._observer = observer
        self._rng = rng
        self._worker_id = worker_id
        self._claims = 0
        self._lease_s = lease_s
        self._prefetch = Prefetch(prefetch, clock.ticks())
        self._done_max = done_max
        self._shortener = Shortener(observer, queue, key_for_s)
        self._idle_slots = idle_slots
        self._deliver = deliver
        self._closing = False
        self._ending = False
        self._wake = asyncio.Event()
        self._waiter: asyncio.Task[None] | None = None

    # --8<-- [start:hand-over]
    def take(self) -> Lease:
        """Hand the next job to a slot, and ask for more when the buffer runs low."""
        lease = self.buffer.popleft()
        if len(self.buffer) == self._prefetch.low:
            self.pressing = self._prefetch.more
            self._wake.set()
        return lease

    def acknowledge(self, lease: Lease) -> None:
        """Note a job that is done, for the next request."""
        self.outbox.done.append(lease)
        if len(self.outbox.done) == 1:
            self._wake.set()

    def shorten_marks(self, lease: Lease, marks: list[Mark]) -> None:
        """Note marks of effects, to be shortened when the job's acknowledgement has arrived."""
        self._shortener.acknowledge(lease.job.id, marks)

    def settle_failed(self, lease: Lease, verdict: Retry | Bury) -> None:
        """Note a job to schedule again or to bury, for the next request."""
        self.outbox.failed.append((Receipt(lease.job.id, lease.token), verdict))
        self._wake.set()

    def give_back(self, lease: Lease) -> None:
        """Note a job to return to the head of ready, for the next request."""
        self.outbox.unfinished.append(lease)
        self._wake.set()

    # --8<-- [end:hand-over]

    def forget(self, job_ids: set[str]) -> None:
        """Drop jobs whose leases are lost from the buffer, so that no slot starts them, and ask for others."""
        self.buffer = deque(lease for lease in self.buffer if lease.job.id not in job_ids)
        self._wake.set()

    # --8<-- [start:traffic-loop]
    async def run(self) -> None:
        """Send requests until `finish` is called and all is settled; if the store fails, wait longer each time."""
        try:
            await self._run()
            await self._shortener.close()
        finally:
            if self._waiter is not None:
                self._waiter.cancel()

    async def _run(self) -> None:
        outbox, failures = self.outbox, 0
        while not self._ended:
            self._wake.clear()
            try:
                if outbox.failed:
                    await self._settle_failed()
                elif outbox.unfinished:
                    await self._give_back()
                elif outbox.done or (self._prefetch.more and self._room() > 0):
                    await self._linger()
                    await self._acknowledge_and_claim()
                else:
                    self._wait_if_there_is_room()
                    await self._wake.wait()
                failures = 0
            except Exception as error:  # noqa: BLE001 - a defect, too, must be heard of and must not end the traffic
                failures += 1
                self._observer.failed(f"traffic of {self.queue}", error)
                await self._clock.sleep(full_jitter_s(failures, 0.1, 5.0, self._rng))

    def _room(self) -> int:
        return 0 if self._closing else self._prefetch.room(len(self.buffer), self._idle_slots())

    async def _linger(self) -> None:
        """Wait a little for more results, as long as the slots have enough to do."""
        if len(self.buffer) > self._prefetch.low and not self._closing:
            try:
                async with asyncio.timeout(LINGER_S):
                    while len(self.buffer) > self._prefetch.low:
                        self._wake.clear()
                        await self._wake.wait()
            except TimeoutError:
                pass

    async def _acknowledge_and_claim(self) -> None:
        """Acknowledge done jobs and claim as many as there is room for, in one round trip."""
        self.pressing = False
        with self.outbox.acknowledging() as (done, succeeded):
            self._prefetch.ended(len(done), self._clock.ticks())
            wanted = self._room() if self._prefetch.more else 0
            claim = await self._store.acknowledge_and_claim(
                self.queue,
                done,
                wanted=wanted,
                token=self._token(),
                now=self._clock.now(),
                lease_s=self._lease_s,
                done_max=self._done_max,
                succeeded=succeeded,
            )
        if done:
            self._shortener.acknowledged(done, claim.refused)
        self._accept(claim, wanted)

    # --8<-- [end:traffic-loop]

    # --8<-- [start:idle]
    def _wait_if_there_is_room(self) -> None:
        """Start to wait for the first job of an empty queue, unless such a wait is running; other requests continue."""
        wanted = self._room()
        if self._waiter is None and wanted > 0:
            self._waiter = asyncio.create_task(self._wait_and_claim(wanted))

    async def _wait_and_claim(self, wanted: int) -> None:
        """Wait for the first job, and hand it to a slot straight from the reply."""
        try:
            claim = await self._store.wait_and_claim(
                self.queue,
                wanted=wanted,
                token=self._token(),
                now=self._clock.now(),
                lease_s=self._lease_s,
                wait_s=min(WAIT_S, self._lease_s / 5),
            )
            self._accept(claim, wanted)
        except Exception as error:  # noqa: BLE001 - as in run
            self._observer.failed(f"wait for {self.queue}", error)
            if not self._closing:
                await self._clock.sleep(full_jitter_s(1, 1.0, 1.0, self._rng))
        finally:
            self._waiter = None
            self._wake.set()

    # --8<-- [end:idle]

    def _token(self) -> str:
        self._claims += 1
        return f"{self._worker_id}.{self._claims}"

    def _accept(self, claim: Claim, wanted: int) -> None:
        if wanted:
            self._prefetch.claimed(wanted, len(claim.leases) + len(claim.unreadable))
        self._lost(claim.refused)
        for broken in claim.unreadable:
            job = unreadable_job(broken.id, self.queue, broken.raw, broken.problem, self._clock.now())
            self.outbox.failed.append((Receipt(broken.id, broken.token), Bury(job)))
        if not claim.leases:
            return
        if self._closing:
            self.outbox.unfinished.extend(claim.leases)
            return
        self.buffer.extend(claim.leases)
        self._observer.claimed(self.queue, len(claim.leases))
        self._deliver()

    async def _settle_failed(self) -> None:
        with self.outbox.batch(self.outbox.failed) as batch:
            receipts, verdicts = [receipt for receipt, _ in batch], [verdict for _, verdict in batch]
            self._lost(await self._store.settle_failed(self.queue, receipts, verdicts, now=self._clock.now()))

    async def _give_back(self) -> None:
        with self.outbox.batch(self.outbox.unfinished) as batch:
            receipts = [Receipt(lease.job.id, lease.token) for lease in batch]
            self._lost(await self._store.give_back(self.queue, receipts, now=self._clock.now()))

    def _lost(self, refused: Sequence[str]) -> None:
        if refused:
            self._observer.leases_lost(self.queue, refused)

    # --8<-- [start:close]
    def close(self) -> None:
        """Claim no more. Give back the jobs that no slot has started, and those that a running wait still claims."""
        self._closing = True
        self.outbox.unfinished.extend(self.buffer)
        self.buffer.clear()
        self._wake.set()

    def finish(self) -> None:
        """Let `run` return as soon as everything is settled; call it when the slots have ended."""
        self._ending = True
        self._wake.set()

    @property
    def _ended(self) -> bool:
        return self._ending and self._waiter is None and not self.outbox

    # --8<-- [end:close]
