"""The queue of the lesson: `LPUSH` and `BLMOVE`, no leases, no scripts. Small enough to see through, and what it lacks.

A submit pushes the record to the head of a list; a worker moves one from the tail into its own processing list, and
removes it from there when it is done. A worker that dies leaves its jobs in its list, and nobody knows that it died:
somebody has to call `recover`. A late worker is not refused, retries wait for nothing, and nothing can be looked up.
"""

from collections.abc import Sequence
from typing import NamedTuple

from jobqueue.adapters.records import decode, encode
from jobqueue.adapters.redis_errors import translated
from jobqueue.adapters.redis_scripts import Client
from jobqueue.application.ports.job_store import JobIntake, JobLeases, Receipt, Taken
from jobqueue.domain.errors import StoreRefused, UndecodableRecord
from jobqueue.domain.job import Job, Lease, Unreadable
from jobqueue.domain.verdict import Bury, Retry

ID_LENGTH = 32


class PlainKeys(NamedTuple):
    """The keys of one queue; entries are the id followed by the record."""

    waiting: str  # list: submits at the head, takes from the tail
    buried: str  # list: what is dead
    processing: str  # prefix of one list a worker: what it holds


def plain_keys(queue: str) -> PlainKeys:
    """Return the key names of a queue."""
    return PlainKeys(f"plain:{{{queue}}}:waiting", f"plain:{{{queue}}}:buried", f"plain:{{{queue}}}:processing:")


class PlainListStore:
    """Takes in and hands out jobs as `JobIntake` and `JobLeases` ask, as far as two lists can.

    The token of a claim is "worker.number"; the worker's name picks the processing list.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._entries: dict[str, bytes] = {}

    # --8<-- [start:plain-submit]
    async def submit(self, queue: str, jobs: Sequence[Job], *, now: float, key_for_s: float) -> list[bool]:  # noqa: ARG002
        """Push jobs. A repeated submit makes a second job: nothing here knows the ids.

        Raises:
            StoreRefused: A job is delayed or has an idempotency key, which two lists cannot keep.
        """
        if any(job.due_at > now or job.key for job in jobs):
            raise StoreRefused("the plain list queue has neither delays nor idempotency keys; use RedisJobStore")
        with translated:
            await self._client.lpush(plain_keys(queue).waiting, *(job.id.encode() + encode(job) for job in jobs))
        return [True] * len(jobs)

    # --8<-- [end:plain-submit]

    # --8<-- [start:plain-take]
    async def wait(self, queue: str, *, wanted: int, token: str, now: float, lease_s: float, wait_s: float) -> Taken:  # noqa: ARG002
        """Move one job into the worker's processing list, waiting for it; there it survives the worker."""
        keys = plain_keys(queue)
        with translated:
            entry = await self._client.blmove(keys.waiting, _processing(queue, token), wait_s, "RIGHT", "LEFT")
        return self._taken(queue, [entry], token)

    # --8<-- [end:plain-take]

    async def exchange(
        self,
        queue: str,
        done: Sequence[Receipt],
        *,
        wanted: int,
        token: str,
        now: float,  # noqa: ARG002 - two lists keep no time
        lease_s: float,  # noqa: ARG002
    ) -> Taken:
        """Remove what is done and take up to `wanted`, one command a job."""
        await self._settle(queue, done)
        entries: list[bytes | None] = []
        with translated:
            while len(entries) < wanted:
                entry = await self._client.lmove(plain_keys(queue).waiting, _processing(queue, token), "RIGHT", "LEFT")
                if entry is None:
                    break
                entries.append(entry)
        return self._taken(queue, entries, token)

    async def fail(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        verdicts: Sequence[Retry | Bury],
        *,
        now: float,  # noqa: ARG002
        lapsed_before: float | None = None,  # noqa: ARG002
    ) -> list[str]:
        """Push a retry to the head of the queue at once, whatever its delay, or a dead job to the buried list."""
        keys = plain_keys(queue)
        for receipt, verdict in zip(receipts, verdicts, strict=True):
            target = keys.buried if isinstance(verdict, Bury) else keys.waiting
            await self._settle(queue, [receipt], (target, verdict.job.id.encode() + encode(verdict.job)))
        return []

    async def give_back(self, queue: str, receipts: Sequence[Receipt], *, now: float) -> list[str]:  # noqa: ARG002
        """Put jobs back to the end from which they are taken."""
        for receipt in reversed(receipts):
            entry = self._entries[receipt.id]
            with translated:
                async with self._client.pipeline(transaction=True) as both:
                    both.lrem(_processing(queue, receipt.token), 1, entry)
                    both.rpush(plain_keys(queue).waiting, entry)
                    await both.execute()
        return []

    async def renew(self, queue: str, receipts: Sequence[Receipt], *, now: float, lease_s: float) -> list[str]:  # noqa: ARG002
        """Return nothing lost: without leases nobody can tell."""
        return []

    # --8<-- [start:plain-recover]
    async def recover(self, queue: str, worker: str) -> int:
        """Move what a dead worker holds back to where it is next; return how many. Who knows that it is dead?"""
        keys = plain_keys(queue)
        moved = 0
        with translated:
            while await self._client.lmove(f"{keys.processing}{worker}", keys.waiting, "LEFT", "RIGHT"):
                moved += 1
        return moved

    # --8<-- [end:plain-recover]

    async def _settle(self, queue: str, receipts: Sequence[Receipt], push: tuple[str, bytes] | None = None) -> None:
        """Remove entries from the processing list and push what replaces them, both or neither."""
        if not receipts:
            return
        with translated:
            async with self._client.pipeline(transaction=True) as pipeline:
                for receipt in receipts:
                    pipeline.lrem(_processing(queue, receipt.token), 1, self._entries.pop(receipt.id, b""))
                if push is not None:
                    pipeline.lpush(*push)
                await pipeline.execute()

    def _taken(self, queue: str, entries: Sequence[bytes | None], token: str) -> Taken:
        leases: list[Lease] = []
        unreadable: list[Unreadable] = []
        for entry in entries:
            if entry is None:
                continue
            job_id, record = entry[:ID_LENGTH].decode("ascii", "replace"), entry[ID_LENGTH:]
            self._entries[job_id] = entry
            try:
                leases.append(Lease(decode(job_id, queue, record), token, float("inf")))
            except UndecodableRecord as error:
                unreadable.append(Unreadable(job_id, token, record, str(error)))
        return Taken(leases, unreadable)


def _processing(queue: str, token: str) -> str:
    return plain_keys(queue).processing + token.partition(".")[0]


_intake: type[JobIntake] = PlainListStore  # the type checker is the conformance test
_leases: type[JobLeases] = PlainListStore
