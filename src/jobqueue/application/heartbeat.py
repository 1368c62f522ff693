"""Heartbeat: renew the leases of a worker's jobs, and stop the jobs whose leases are lost."""

import asyncio
from collections.abc import Sequence

from jobqueue.application.ports.job_store import JobLeases, Receipt
from jobqueue.application.ports.observer import Observer
from jobqueue.application.slot import Slot, Stop
from jobqueue.application.traffic import Traffic
from jobqueue.domain import defaults


class Heartbeat:
    """Renews the leases of one worker.

    Args:
        store: Where the leases are.
        observer: Hears of lost ones.
        traffic: The worker's queues, with the jobs in their buffers.
        slots: The worker's slots, with the jobs that run.
        lease_s: Length of a lease, in seconds.
    """

    def __init__(
        self, store: JobLeases, observer: Observer, traffic: Sequence[Traffic], slots: Sequence[Slot], lease_s: float
    ) -> None:
        self._store = store
        self._observer = observer
        self._traffic = traffic
        self._slots = slots
        self._lease_s = lease_s

    # --8<-- [start:heartbeat]
    @property
    def interval_s(self) -> float:
        """Seconds from one heartbeat to the next: a fifth of the lease.

        A lease is renewed once it is a fifth over. Two lost heartbeats in a row therefore leave it a fifth to live when
        the third arrives, also when the lease was claimed just after a heartbeat.
        """
        return self._lease_s / 5

    async def run_once(self, now: float) -> bool:
        """Renew every lease of which a fifth or more is over; return False, as there is never more to do right away.

        Fresh leases are left alone, so a worker of short jobs renews hardly any. All queues are renewed at the same
        time: if one queue's server doesn't answer, the others must not lose their leases.

        Raises:
            BaseExceptionGroup: The renewals that failed; the others were made.
        """
        answers = await asyncio.gather(*(self._renew(each, now) for each in self._traffic), return_exceptions=True)
        failed = [answer for answer in answers if isinstance(answer, BaseException)]
        if len(failed) > 1:
            raise BaseExceptionGroup(f"the leases of {len(failed)} queues were not renewed", failed)
        if failed:
            raise failed[0]
        return False

    async def _renew(self, traffic: Traffic, now: float) -> None:
        renew_below = now + self._lease_s - self.interval_s
        running = [slot.lease for slot in self._slots if slot.lease is not None and slot.traffic is traffic]
        receipts = [
            Receipt(lease.job.id, lease.token)
            for lease in (*running, *traffic.buffer)
            if lease.expires_at <= renew_below
        ]
        for start in range(0, len(receipts), defaults.BATCH_LIMIT):
            batch = receipts[start : start + defaults.BATCH_LIMIT]
            lost = await self._store.renew(traffic.queue, batch, now=now, lease_s=self._lease_s)
            if lost:
                self._stop(traffic, batch, set(lost))

    def _stop(self, traffic: Traffic, asked: Sequence[Receipt], lost: set[str]) -> None:
        """Stop what is lost; what ended while the renewal travelled is no longer here and not meant."""
        tokens = {receipt.id: receipt.token for receipt in asked if receipt.id in lost}
        held: list[str] = []
        for slot in self._slots:
            lease = slot.lease
            if lease is not None and slot.traffic is traffic and tokens.get(lease.job.id) == lease.token:
                held.append(lease.job.id)
                slot.stop(Stop.LOST)
        buffered = {lease.job.id for lease in traffic.buffer if tokens.get(lease.job.id) == lease.token}
        traffic.forget(buffered)
        held.extend(sorted(buffered))
        if held:
            self._observer.leases_lost(traffic.queue, held)

    # --8<-- [end:heartbeat]
