"""Heartbeat: renew the leases of what a worker holds, and stop working on those that are lost."""

from collections.abc import Sequence

from jobqueue.application.attempt import Lane, Stop
from jobqueue.application.feed import Feed
from jobqueue.application.ports.job_store import JobLeases, Receipt
from jobqueue.application.ports.observer import Observer
from jobqueue.domain import defaults


class Heartbeat:
    """Renews for one worker.

    Args:
        store: Where the leases are.
        observer: Hears of lost ones.
        feeds: The worker's queues, with the jobs in their buffers.
        lanes: The worker's lanes, with the jobs that run.
        lease_s: Length of a lease, in seconds.
    """

    def __init__(
        self, store: JobLeases, observer: Observer, feeds: Sequence[Feed], lanes: Sequence[Lane], lease_s: float
    ) -> None:
        self._store = store
        self._observer = observer
        self._feeds = feeds
        self._lanes = lanes
        self._lease_s = lease_s

    # --8<-- [start:heartbeat]
    async def run_once(self, now: float) -> bool:
        """Renew every lease that is a third over or more; return False, there is never more to do at once.

        Jobs taken a moment ago are left alone, so a worker of short jobs renews next to nothing.
        """
        renew_below = now + self._lease_s * 2 / 3
        for feed in self._feeds:
            running = [lane.lease for lane in self._lanes if lane.lease is not None and lane.feed is feed]
            receipts = [
                Receipt(lease.job.id, lease.token)
                for lease in (*running, *feed.buffer)
                if lease.expires_at <= renew_below
            ]
            for start in range(0, len(receipts), defaults.BATCH_LIMIT):
                batch = receipts[start : start + defaults.BATCH_LIMIT]
                lost = await self._store.renew(feed.queue, batch, now=now, lease_s=self._lease_s)
                if lost:
                    self._stop(feed, batch, set(lost))
        return False

    def _stop(self, feed: Feed, asked: Sequence[Receipt], lost: set[str]) -> None:
        """Stop what is lost; what ended while the renewal travelled is no longer here and not meant."""
        tokens = {receipt.id: receipt.token for receipt in asked if receipt.id in lost}
        held: list[str] = []
        for lane in self._lanes:
            lease = lane.lease
            if lease is not None and lane.feed is feed and tokens.get(lease.job.id) == lease.token:
                held.append(lease.job.id)
                lane.stop(Stop.LOST)
        buffered = {lease.job.id for lease in feed.buffer if tokens.get(lease.job.id) == lease.token}
        feed.forget(buffered)
        held.extend(sorted(buffered))
        if held:
            self._observer.leases_lost(feed.queue, held)

    # --8<-- [end:heartbeat]
