"""The port for keeping jobs: four small Protocols, and `JobStore`, which is all of them.

Every method names its queue and is atomic: it happens as a whole or not at all. Policy stays with the caller, who
passes the job as it is to be stored and the instant `now`; a store only moves. A move first takes the job from where
it was and is refused if it is not there, so repeating one is harmless and of two callers one wins.

Every method may raise `StoreUnavailable` (did it happen? not known; repeat it), `StoreFull` (nothing changed) and
`StoreRefused` (no repetition helps).
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

        A job whose id the queue has already, in any state, is left as it is: a submit may be repeated after a lost
        reply. The id of a job with an idempotency key is derived from the key, and remembered for `key_for_s` seconds
        even when the job is done and trimmed.

        Returns:
            For each job whether it was stored; False means that its id was there before.
        """
        ...


# --8<-- [end:port-submit]


class Claim(NamedTuple):
    """What a claim brought.

    Attributes:
        leases: The jobs claimed, in order.
        unreadable: Claimed too, but their records cannot be decoded: bury them.
        refused: Ids whose acknowledgement was refused, because the lease is no longer this worker's.
    """

    leases: Sequence[Lease]
    unreadable: Sequence[Unreadable] = ()
    refused: Sequence[str] = ()


class LapsedLeases(NamedTuple):
    """Running jobs whose lease ended, and those of them whose records cannot be decoded."""

    leases: Sequence[Lease]
    unreadable: Sequence[Unreadable] = ()


class Receipt(NamedTuple):
    """What proves the holding of a job: its id and the lease token."""

    id: str
    token: str


# --8<-- [start:port-leases]
class JobLeases(Protocol):
    """What a worker does with jobs. Every move out of running is refused when the token is not the present one."""

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

        running → done, and ready → running. `token` becomes the lease token of all that is claimed; the caller never
        uses one twice. Leases end at `now + lease_s`. Of the done jobs the newest `done_max` stay to be looked up.
        `succeeded` says how many of the finished jobs are of each type; it is counted unless all are refused.
        Does not wait: with nothing ready the result is empty.
        """
        ...

    async def wait_and_claim(
        self, queue: str, *, wanted: int, token: str, now: float, lease_s: float, wait_s: float
    ) -> Claim:
        """Claim up to `wanted` ready jobs, waiting at most `wait_s` seconds for the first one: ready → running.

        Leases count from `now`, the instant of asking, so they are shorter by the time waited.
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
        """Carry out what the domain decided on jobs that did not succeed: running → scheduled, or running → dead.

        A job to be retried waits to be admitted, a job to be redelivered only until it is due. Retries are counted as
        failed attempts of their type.

        The n-th verdict is on the job of the n-th receipt and holds the job as it is to be stored.

        Args:
            queue: Name of the queue.
            receipts: Which jobs, each with the token under which it was held.
            verdicts: What becomes of each.
            now: Death instant of the buried ones.
            lapsed_before: Given by the reaper: refuse those whose lease does not end before this instant, since they
                were renewed meanwhile. So of two reapers one wins, and a worker that was only slow keeps its job.

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
    """The retries of one type whose delay is over, and what their admission is decided by.

    Attributes:
        type: The job type.
        due: How many there are.
        counted: The attempts of this type up to now.
        allowance: What the retries may draw on; None before the first admission.
        stored: The allowance as it is kept, byte for byte; an admission compares it.
    """

    type: str
    due: int
    counted: Attempts
    allowance: Allowance | None
    stored: bytes


# --8<-- [start:port-upkeep]
class JobUpkeep(Protocol):
    """What the background loops do; any number of processes may do it at once."""

    async def promote(self, queue: str, *, now: float, limit: int) -> int:
        """Move up to `limit` due jobs that are no retries to the tail of ready: scheduled → ready. Returns how many."""
        ...

    async def due_retries(self, queue: str, *, now: float) -> list[DueRetries]:
        """List the types with retries whose delay is over, each with what the domain decides by; moves nothing."""
        ...

    async def admit_retries(self, queue: str, seen: DueRetries, *, allowance: Allowance, now: float, limit: int) -> int:
        """Move up to `limit` due retries of a type to the tail of ready, and store the allowance: scheduled → ready.

        Returns how many were moved; 0, and changes nothing, when the stored allowance is no longer as it was `seen`:
        another process has spent it.
        """
        ...

    async def lapsed(self, queue: str, *, before: float, limit: int) -> LapsedLeases:
        """List up to `limit` running jobs whose lease ended before that instant, longest ago first; moves nothing.

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
    """Looking, and what a person may do."""

    async def find(self, queue: str, job_id: str) -> JobView | None:
        """Return a job and its state, both of one instant; None when the queue has no such job.

        Raises:
            UndecodableRecord: The job is there but what is stored cannot be read.
        """
        ...

    async def cancel(self, queue: str, seen: JobView, job: Job, *, now: float) -> bool:
        """Move a scheduled or ready job to dead, stored as given: scheduled | ready → dead.

        Returns False, and changes nothing, when the job is no longer as it was `seen`: look again.
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
        """Count the jobs of each state, as of one instant; costs the same whatever the depth."""
        ...

    async def ping(self) -> None:
        """Return when the store answers."""
        ...

    async def close(self) -> None:
        """Close the connections; the store is not used after."""
        ...


# --8<-- [end:port-archive]


class JobStore(JobIntake, JobLeases, JobUpkeep, JobArchive, Protocol):
    """All of it: what an engine of the service implements."""
