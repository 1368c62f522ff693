"""The job store in this process's memory: the model that the contract suite holds the other engines to."""

import asyncio
import contextlib
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jobqueue.adapters.allowance_record import decode_allowance, encode_allowance
from jobqueue.adapters.job_record import decode, decode_or_show, encode
from jobqueue.application.ports.job_store import Claim, DeadJob, DueRetries, JobStore, LapsedLeases, Receipt
from jobqueue.domain.admission import Allowance, Attempts
from jobqueue.domain.errors import UndecodableRecord
from jobqueue.domain.job import Job, JobState, JobView, Lease, QueueStats, Unreadable
from jobqueue.domain.verdict import Bury, Retry, Verdict
from tests.jobqueue.fakes.ranked import Ranked


@dataclass
class _Queue:
    records: dict[str, bytes] = field(default_factory=dict)
    ready: deque[str] = field(default_factory=deque)
    scheduled: Ranked = field(default_factory=Ranked)
    retries: Ranked = field(default_factory=Ranked)
    retry_order: dict[str, Ranked] = field(default_factory=lambda: defaultdict(Ranked))
    succeeded: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    allowances: dict[str, bytes] = field(default_factory=dict)
    leases: Ranked = field(default_factory=Ranked)
    tokens: dict[str, str] = field(default_factory=dict)
    done: Ranked = field(default_factory=Ranked)
    dead: Ranked = field(default_factory=Ranked)
    keys: dict[str, float] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, *job_ids: str) -> None:
        """Add to the tail of ready, and wake the workers that wait."""
        self.ready.extend(job_ids)
        self.arrived.set()

    def release(self, receipt: Receipt) -> bool:
        """Take a job from running, if the token is the present one."""
        if self.tokens.get(receipt.id) != receipt.token:
            return False
        del self.tokens[receipt.id]
        self.leases.take(receipt.id)
        return True


class MemoryJobStore:
    """Keeps jobs in dictionaries. Not durable, one process; every move is atomic because none awaits anything."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    def queue(self, name: str) -> _Queue:
        """Return the structures of a queue, for tests to look at and to break."""
        return self._queues.setdefault(name, _Queue())

    async def submit(self, queue: str, jobs: Sequence[Job], *, now: float, key_for_s: float) -> list[bool]:
        """Store jobs; see `JobIntake`."""
        q = self.queue(queue)
        stored: list[bool] = []
        for job in jobs:
            fresh = job.id not in q.records and not (job.key and q.keys.get(job.id, 0.0) > now)
            stored.append(fresh)
            if not fresh:
                continue
            q.records[job.id] = encode(job)
            if job.key:
                q.keys[job.id] = now + key_for_s
            if job.due_at > now:
                q.scheduled.put(job.id, job.due_at)
            else:
                q.push(job.id)
        return stored

    async def acknowledge_and_claim(
        self,
        queue: str,
        done: Sequence[Receipt],
        *,
        wanted: int,
        token: str,
        now: float,
        lease_s: float,
        done_max: int,
        succeeded: Mapping[str, int],
    ) -> Claim:
        """Acknowledge and claim; see `JobLeases`."""
        q = self.queue(queue)
        refused: list[str] = []
        for receipt in done:
            if not q.release(receipt):
                refused.append(receipt.id)
            else:
                q.done.put(receipt.id, now)
        if len(done) > len(refused):
            q.succeeded.update(succeeded)
        for job_id in q.done.first(max(0, len(q.done) - done_max) if done else 0):
            q.done.take(job_id)
            del q.records[job_id]
        claimed = [q.ready.popleft() for _ in range(min(wanted, len(q.ready)))]
        held = [job_id for job_id in claimed if job_id in q.records]
        for job_id in held:
            q.leases.put(job_id, now + lease_s)
            q.tokens[job_id] = token
        leases, unreadable = self._read(queue, held)
        return Claim(leases, unreadable, refused)

    async def wait_and_claim(
        self, queue: str, *, wanted: int, token: str, now: float, lease_s: float, wait_s: float
    ) -> Claim:
        """Claim as soon as there is something; see `JobLeases`."""
        q = self.queue(queue)
        if not q.ready:
            q.arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(q.arrived.wait(), wait_s)
        return await self.acknowledge_and_claim(
            queue, (), wanted=wanted, token=token, now=now, lease_s=lease_s, done_max=0, succeeded={}
        )

    async def settle_failed(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        verdicts: Sequence[Verdict],
        *,
        now: float,
        lapsed_before: float | None = None,
    ) -> list[str]:
        """Schedule or bury running jobs; see `JobLeases`."""
        q = self.queue(queue)
        refused: list[str] = []
        for receipt, verdict in zip(receipts, verdicts, strict=True):
            renewed = lapsed_before is not None and q.leases.score.get(receipt.id, now) >= lapsed_before
            if renewed or not q.release(receipt):
                refused.append(receipt.id)
                continue
            q.records[receipt.id] = encode(verdict.job)
            if isinstance(verdict, Bury):
                q.dead.put(receipt.id, now)
            elif isinstance(verdict, Retry):
                kind, due_at = verdict.job.type, verdict.job.due_at
                q.retries.put(receipt.id, due_at)
                q.retry_order[kind].put(receipt.id, due_at)
                q.failed[kind] += 1
            else:
                q.scheduled.put(receipt.id, verdict.job.due_at)
        return refused

    async def give_back(self, queue: str, receipts: Sequence[Receipt], *, now: float) -> list[str]:
        """Put running jobs back at the head of ready; see `JobLeases`."""
        q = self.queue(queue)
        refused: list[str] = []
        for receipt in reversed(receipts):
            if q.release(receipt):
                q.ready.appendleft(receipt.id)
            else:
                refused.append(receipt.id)
        q.push()
        return refused

    async def renew(self, queue: str, receipts: Sequence[Receipt], *, now: float, lease_s: float) -> list[str]:
        """Extend leases; see `JobLeases`."""
        q = self.queue(queue)
        lost: list[str] = []
        for receipt in receipts:
            if q.tokens.get(receipt.id) == receipt.token:
                q.leases.put(receipt.id, now + lease_s)
            else:
                lost.append(receipt.id)
        return lost

    async def promote(self, queue: str, *, now: float, limit: int) -> int:
        """Move due jobs to ready; see `JobUpkeep`."""
        q = self.queue(queue)
        due = q.scheduled.first(limit, where=lambda due_at: due_at <= now)
        for job_id in due:
            q.scheduled.take(job_id)
            q.push(job_id)
        return len(due)

    async def due_retries(self, queue: str, *, now: float) -> list[DueRetries]:
        """List types with due retries; see `JobUpkeep`."""
        q = self.queue(queue)
        found: list[DueRetries] = []
        for kind, retries in sorted(q.retry_order.items()):
            stored = q.allowances.get(kind, b"")
            counted = Attempts(q.succeeded[kind], q.failed[kind])
            if due := retries.count_up_to(now):
                found.append(DueRetries(kind, due, counted, decode_allowance(stored), stored))
        return found

    async def admit_retries(self, queue: str, seen: DueRetries, *, allowance: Allowance, now: float, limit: int) -> int:
        """Move due retries to ready; see `JobUpkeep`."""
        q = self.queue(queue)
        if q.allowances.get(seen.type, b"") != seen.stored:
            return 0
        admitted = q.retry_order[seen.type].first(limit, where=lambda due_at: due_at <= now)
        for job_id in admitted:
            q.retry_order[seen.type].take(job_id)
            q.retries.take(job_id)
            q.push(job_id)
        if admitted:
            q.allowances[seen.type] = encode_allowance(allowance)
        return len(admitted)

    async def lapsed(self, queue: str, *, before: float, limit: int) -> LapsedLeases:
        """List jobs whose lease ended; see `JobUpkeep`."""
        ids = self.queue(queue).leases.first(limit, where=lambda ends_at: ends_at < before)
        return LapsedLeases(*self._read(queue, ids))

    async def trim(
        self, queue: str, *, now: float, done_for_s: float, done_max: int, dead_for_s: float, dead_max: int, limit: int
    ) -> int:
        """Remove what is beyond its retention; see `JobUpkeep`."""
        q = self.queue(queue)
        removed = 0
        for kept, oldest_at, most in ((q.done, now - done_for_s, done_max), (q.dead, now - dead_for_s, dead_max)):
            surplus = min(limit, max(0, len(kept) - most))
            old = len(kept.first(limit, where=lambda at, oldest_at=oldest_at: at < oldest_at))  # type: ignore[misc]
            for job_id in kept.first(max(surplus, old)):
                kept.take(job_id)
                q.records.pop(job_id, None)
                removed += 1
        q.keys = {job_id: until for job_id, until in q.keys.items() if until > now}
        return removed

    async def find(self, queue: str, job_id: str) -> JobView | None:
        """Look a job up; see `JobArchive`."""
        q = self.queue(queue)
        record = q.records.get(job_id)
        if record is None:
            return None
        job = decode(job_id, queue, record)
        held = (
            (JobState.SCHEDULED, q.scheduled),
            (JobState.SCHEDULED, q.retries),
            (JobState.RUNNING, q.leases),
            (JobState.DEAD, q.dead),
            (JobState.DONE, q.done),
        )
        for state, ranked in held:
            if job_id in ranked:
                return JobView(job, state, ranked.score[job_id], q.tokens.get(job_id, ""), record)
        return JobView(job, JobState.READY, job.due_at, "", record)

    async def cancel(self, queue: str, seen: JobView, job: Job, *, now: float) -> bool:
        """Bury a job that does not run; see `JobArchive`."""
        q = self.queue(queue)
        if q.records.get(job.id) != seen.stored:
            return False
        if q.retries.take(job.id):
            q.retry_order[job.type].take(job.id)
        elif not q.scheduled.take(job.id):
            if job.id not in q.ready:
                return False
            q.ready.remove(job.id)
        q.records[job.id] = encode(job)
        q.dead.put(job.id, now)
        return True

    async def dead(self, queue: str, *, start: int, limit: int) -> list[DeadJob]:
        """List dead jobs; see `JobArchive`."""
        q = self.queue(queue)
        ids = q.dead.first(limit, start)
        died_at = q.dead.score
        return [
            DeadJob(decode_or_show(job_id, queue, q.records[job_id], died_at[job_id]), died_at[job_id])
            for job_id in ids
        ]

    async def redrive(self, queue: str, jobs: Sequence[Job], *, now: float) -> list[bool]:
        """Send dead jobs back to ready; see `JobArchive`."""
        q = self.queue(queue)
        moved: list[bool] = []
        for job in jobs:
            moved.append(q.dead.take(job.id))
            if moved[-1]:
                q.records[job.id] = encode(job)
                q.push(job.id)
        return moved

    async def stats(self, queue: str, *, now: float) -> QueueStats:
        """Count; see `JobArchive`."""
        q = self.queue(queue)
        depth = {
            JobState.SCHEDULED: len(q.scheduled) + len(q.retries),
            JobState.READY: len(q.ready),
            JobState.RUNNING: len(q.leases),
            JobState.DONE: len(q.done),
            JobState.DEAD: len(q.dead),
        }
        try:
            waiting_since = decode("head", queue, q.records[q.ready[0]]).due_at if q.ready else now
        except (UndecodableRecord, KeyError):
            waiting_since = now
        first = q.scheduled.first(1)
        overdue_s = now - q.scheduled.score[first[0]] if first else 0.0
        return QueueStats(queue, depth, max(0.0, now - waiting_since), max(0.0, overdue_s), len(q.retries))

    async def attempts(self, queue: str) -> Mapping[str, Attempts]:
        """Return what was counted by type; see `JobArchive`."""
        q = self.queue(queue)
        return {kind: Attempts(q.succeeded[kind], q.failed[kind]) for kind in q.succeeded.keys() | q.failed.keys()}

    async def running(self, queue: str, *, limit: int) -> list[tuple[str, float]]:
        """List leases; see `JobArchive`."""
        q = self.queue(queue)
        return [(q.tokens[job_id], q.leases.score[job_id]) for job_id in q.leases.first(limit)]

    async def ping(self) -> None:
        """Return; see `JobArchive`."""

    async def close(self) -> None:
        """Do nothing; see `JobArchive`."""

    def _read(self, queue: str, ids: Sequence[str]) -> tuple[list[Lease], list[Unreadable]]:
        q = self.queue(queue)
        leases: list[Lease] = []
        unreadable: list[Unreadable] = []
        for job_id in ids:
            record = q.records.get(job_id, b"")
            try:
                leases.append(Lease(decode(job_id, queue, record), q.tokens[job_id], q.leases.score[job_id]))
            except UndecodableRecord as error:
                unreadable.append(Unreadable(job_id, q.tokens[job_id], record, str(error)))
        return leases, unreadable


_conforms: type[JobStore] = MemoryJobStore  # the type checker is the conformance test
