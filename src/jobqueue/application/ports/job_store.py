"""The port for keeping jobs: four small Protocols, and `JobStore`, which is all of them.

Every method names its queue and is atomic: it happens completely or not at all. A store only moves jobs. The caller
decides, and passes the job as it is to be stored and the present instant, `now`. A move first takes the job out of its
old structure, and is refused if the job isn't there. So repeating a move is harmless, and if two callers make the same
move, one succeeds.

Every method may raise `StoreUnavailable` (nobody knows whether it happened; repeat it), `StoreFull` (nothing changed)
and `StoreRefused` (repeating doesn't help).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from jobqueue.domain.admission import Allowance, Attempts
from jobqueue.domain.job import Job, JobView, Lease, QueueStats, Unreadable
from jobqueue.domain.verdict import Verdict


# --8<-- [start:port-submit]
class JobIntake(Protocol):
    """Where jobs come in."""

    async def submit(self, queue: str, jobs: Sequence[Job], *, now: float, key_for_s: float) -> list[bool]:
        """Store jobs, all in one move: ready when due, else scheduled.

        If the queue has a job with this id already, in any state, that job is left as it is. So you can repeat a submit
        after a lost reply. The id of a job with an idempotency key is derived from the key, and is remembered for
        `key_for_s` seconds even if the job is done and trimmed.

        Returns:
            For each job whether it was stored; False means that the queue had its id already.
        """
        ...


# --8<-- [end:port-submit]


class Claim(NamedTuple):
    """The result of a claim.

    Attributes:
        leases: The jobs claimed, in order.
        unreadable: Claimed too, but their records cannot be decoded: bury them.
        refused: Ids whose acknowledgement was refused, because the lease is no longer this worker's.
    """

    leases: Sequence[Lease]
    unreadable: Sequence[Unreadable] = ()
    refused: Sequence[str] = ()


class LapsedLeases(NamedTuple):
    """Running jobs whose leases have ended, and, apart, those whose records can't be decoded."""

    leases: Sequence[Lease]
    unreadable: Sequence[Unreadable] = ()


class Receipt(NamedTuple):
    """The proof that a worker holds a job: the job's id and the lease token."""

    id: str
    token: str


# --8<-- [start:port-leases]
class JobLeases(Protocol):
    """What a worker does with jobs. A move out of running is refused if its token isn't the current one."""

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
        """Acknowledge finished jobs and claim up to `wanted` ready ones, in one round trip.

        running → done, and ready → running. `token` becomes the lease token of all claimed jobs; the caller never uses
        a token twice. Leases end at `now + lease_s`. The newest `done_max` done jobs are kept for look-ups.
        `succeeded` says how many of the finished jobs are of each type. They are counted unless all are refused.
        Doesn't wait: if no job is ready, the result is empty.
        """
        ...

    async def wait_and_claim(
        self, queue: str, *, wanted: int, token: str, now: float, lease_s: float, wait_s: float
    ) -> Claim:
        """Claim up to `wanted` ready jobs, waiting at most `wait_s` seconds for the first one: ready → running.

        Leases begin at `now`, the instant of the call, so they are shorter by the time waited.
        """
        ...

    async def settle_failed(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        verdicts: Sequence[Verdict],
        *,
        now: float,
        lapsed_before: float | None = None,
    ) -> list[str]:
        """Move failed jobs as the domain decided: running → scheduled, or running → dead.

        A job that is retried also waits to be admitted; a job that is redelivered waits only until it is due. Retries
        count as failed attempts of their type.

        The n-th verdict is on the job of the n-th receipt and holds the job as it is to be stored.

        Args:
            queue: Name of the queue.
            receipts: Which jobs, each with the token under which it was held.
            verdicts: What happens to each job.
            now: The instant at which buried jobs died.
            lapsed_before: The reaper gives it: refuse jobs whose leases end at this instant or later, because they have
                been renewed. So if two reapers try, one succeeds, and a worker that was only slow keeps its job.

        Returns:
            The ids that were refused.
        """
        ...

    async def give_back(self, queue: str, receipts: Sequence[Receipt], *, now: float) -> list[str]:
        """Put running jobs back at the head of ready, in the order given, as if never claimed: running → ready.

        The attempt does not count. Returns the ids that were refused.
        """
        ...

    async def renew(self, queue: str, receipts: Sequence[Receipt], *, now: float, lease_s: float) -> list[str]:
        """Let leases end at `now + lease_s`. Returns the ids whose lease is lost: stop working on those."""
        ...


# --8<-- [end:port-leases]


class DueRetries(NamedTuple):
    """The retries of one type whose delay is over, and the figures that decide how many are admitted.

    Attributes:
        type: The job type.
        due: How many there are.
        counted: The attempts of this type up to now.
        allowance: What pays for the retries; None before the first admission.
        stored: The allowance's stored bytes; an admission compares them.
    """

    type: str
    due: int
    counted: Attempts
    allowance: Allowance | None
    stored: bytes


# --8<-- [start:port-upkeep]
class JobUpkeep(Protocol):
    """What the background loops do; several processes may do it at the same time."""

    async def promote(self, queue: str, *, now: float, limit: int) -> int:
        """Move up to `limit` due jobs that are no retries to the tail of ready: scheduled → ready. Returns how many."""
        ...

    async def due_retries(self, queue: str, *, now: float) -> list[DueRetries]:
        """List the types with retries whose delay is over, and the figures that the domain decides by; move nothing."""
        ...

    async def admit_retries(self, queue: str, seen: DueRetries, *, allowance: Allowance, now: float, limit: int) -> int:
        """Move up to `limit` due retries of a type to the tail of ready, and store the allowance: scheduled → ready.

        Returns how many were moved. If the stored allowance is no longer as it was `seen`, another process has spent
        it: returns 0 and changes nothing.
        """
        ...

    async def lapsed(self, queue: str, *, before: float, limit: int) -> LapsedLeases:
        """List up to `limit` running jobs whose leases ended before that instant, the oldest first; move nothing.

        The reaper lists, the domain decides, and `JobLeases.settle_failed` moves.
        """
        ...

    async def trim(
        self, queue: str, *, now: float, done_for_s: float, done_max: int, dead_for_s: float, dead_max: int, limit: int
    ) -> int:
        """Remove done and dead jobs beyond their retention, oldest first, up to `limit` of each. Returns how many."""
        ...


# --8<-- [end:port-upkeep]


class DeadJob(NamedTuple):
    """A dead job and when it died."""

    job: Job
    died_at: float


# --8<-- [start:port-archive]
class JobArchive(Protocol):
    """What a person may do: look at jobs, cancel and re-drive them."""

    async def find(self, queue: str, job_id: str) -> JobView | None:
        """Return a job and its state, both at the same instant; None if the queue has no such job.

        Raises:
            UndecodableRecord: The job exists, but its record can't be read.
        """
        ...

    async def cancel(self, queue: str, seen: JobView, job: Job, *, now: float) -> bool:
        """Move a scheduled or ready job to dead, stored as given: scheduled | ready → dead.

        If the job is no longer as it was `seen`, changes nothing and returns False: look again.
        """
        ...

    async def dead(self, queue: str, *, start: int, limit: int) -> list[DeadJob]:
        """Return up to `limit` dead jobs, those longest dead first, beginning with the one at rank `start` (from 0)."""
        ...

    async def redrive(self, queue: str, jobs: Sequence[Job], *, now: float) -> list[bool]:
        """Move dead jobs to the tail of ready, each stored as given: dead → ready.

        Returns for each whether it was dead.
        """
        ...

    async def stats(self, queue: str, *, now: float) -> QueueStats:
        """Count the jobs of each state at one instant; the cost doesn't depend on how many there are."""
        ...

    async def attempts(self, queue: str) -> Mapping[str, Attempts]:
        """Return for each job type how many attempts have ended since counting began."""
        ...

    async def running(self, queue: str, *, limit: int) -> list[tuple[str, float]]:
        """Return the lease token and the end of up to `limit` running jobs, those whose leases end first, first."""
        ...

    async def ping(self) -> None:
        """Return when the store answers."""
        ...

    async def close(self) -> None:
        """Close the connections; the store is not used after."""
        ...


# --8<-- [end:port-archive]


class JobStore(JobIntake, JobLeases, JobUpkeep, JobArchive, Protocol):
    """All four Protocols: what a store of the service implements."""
