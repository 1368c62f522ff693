"""The job store on Redis or Valkey, one server or a cluster: builds each script's arguments and reads its reply."""

from collections.abc import Mapping, Sequence
from typing import Any

import redis.exceptions

from jobqueue.adapters import redis_scripts as scripts
from jobqueue.adapters.allowance_record import decode_allowance, encode_allowance
from jobqueue.adapters.job_record import decode, decode_or_show, encode
from jobqueue.adapters.redis_errors import translated
from jobqueue.adapters.redis_fast_path import at_once
from jobqueue.adapters.redis_keys import queue_keys
from jobqueue.adapters.redis_scripts import Client
from jobqueue.application.ports.job_store import Claim, DeadJob, DueRetries, JobStore, LapsedLeases, Receipt
from jobqueue.domain.admission import Allowance, Attempts
from jobqueue.domain.errors import UndecodableRecord
from jobqueue.domain.job import Job, JobState, JobView, Lease, QueueStats, Unreadable
from jobqueue.domain.verdict import Bury, Redeliver, Retry, Verdict

WAITS_IN: dict[type[Verdict], str] = {Bury: "dead", Redeliver: "scheduled", Retry: "retries"}


def _ms(at: float) -> int:
    return round(at * 1000)


class RedisJobStore:
    """Keeps jobs in a Redis or Valkey server of version 6.2 or newer, or in a cluster of such.

    Args:
        client: A `redis.asyncio.Redis` or `RedisCluster` that answers in bytes; closed with the store.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def submit(self, queue: str, jobs: Sequence[Job], *, now: float, key_for_s: float) -> list[bool]:
        """Store jobs; see `JobIntake`."""
        keys = queue_keys(queue)
        args: list[Any] = [_ms(now), _ms(now + key_for_s)]
        for job in jobs:
            args += (job.id, _ms(job.due_at), 1 if job.key else 0, encode(job))
        known = await scripts.submit(self._client, (keys.records, keys.ready, keys.scheduled, keys.keys), *args)
        stored = [True] * len(jobs)
        for position in known:
            stored[position - 1] = False
        return stored

    # --8<-- [start:acknowledge-and-claim]
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
        """Acknowledge and claim in one round trip; see `JobLeases`."""
        keys, args = _claim_args(queue, wanted=wanted, token=token, now=now, lease_s=lease_s, done_max=done_max)
        args.append(len(succeeded))
        for counted in succeeded.items():
            args += counted
        for receipt in done:
            args += receipt
        reply = await scripts.acknowledge_and_claim(self._client, keys, *args)
        return _claim(queue, reply, token, now + lease_s)

    # --8<-- [end:acknowledge-and-claim]

    # --8<-- [start:wait]
    async def wait_and_claim(
        self, queue: str, *, wanted: int, token: str, now: float, lease_s: float, wait_s: float
    ) -> Claim:
        """Claim as soon as there is something; see `JobLeases`.

        Two commands leave in one write: the first moves the head of ready onto its own place, which changes nothing
        and blocks while the list is empty; the server reads the second when the first has answered. So the wake-up
        brings the jobs with it, and no instant exists at which a job is neither ready nor leased.
        """
        keys, args = _claim_args(queue, wanted=wanted, token=token, now=now, lease_s=lease_s, done_max=0)
        args.append(0)
        ready = keys[0]
        with translated:
            woken, reply = await at_once(
                self._client,
                ("BLMOVE", ready, ready, "LEFT", "LEFT", wait_s),
                ("EVALSHA", scripts.acknowledge_and_claim.sha, len(keys), *keys, *args),
            )
            claimed = isinstance(reply, list) and len(reply) > 1  # a full server refuses the wait, not the claim
            for answer in (woken, reply):
                if (
                    isinstance(answer, Exception)
                    and not claimed
                    and not isinstance(answer, redis.exceptions.NoScriptError)
                ):
                    raise answer
        if isinstance(reply, Exception):
            reply = await scripts.acknowledge_and_claim(self._client, keys, *args)
        return _claim(queue, reply, token, now + lease_s)

    # --8<-- [end:wait]

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
        keys = queue_keys(queue)
        args: list[Any] = ["" if lapsed_before is None else _ms(lapsed_before)]
        for receipt, verdict in zip(receipts, verdicts, strict=True):
            job = verdict.job
            at = now if isinstance(verdict, Bury) else job.due_at
            args += (_raw(receipt.id), receipt.token, WAITS_IN[type(verdict)], _ms(at), encode(job), job.type)
        where = (keys.leases, keys.tokens, keys.records, keys.scheduled, keys.dead)
        refused = await scripts.settle_failed(
            self._client, (*where, keys.retries, keys.retry_order, keys.admission), *args
        )
        return [_id(job_id) for job_id in refused]

    async def give_back(self, queue: str, receipts: Sequence[Receipt], *, now: float) -> list[str]:  # noqa: ARG002
        """Put running jobs back at the head of ready; see `JobLeases`."""
        keys = queue_keys(queue)
        args = [field for receipt in receipts for field in receipt]
        refused = await scripts.give_back(self._client, (keys.leases, keys.tokens, keys.ready), *args)
        return [_id(raw) for raw in refused]

    async def renew(self, queue: str, receipts: Sequence[Receipt], *, now: float, lease_s: float) -> list[str]:
        """Extend leases; see `JobLeases`."""
        keys = queue_keys(queue)
        args = [field for receipt in receipts for field in receipt]
        lost = await scripts.renew(self._client, (keys.leases, keys.tokens), _ms(now + lease_s), *args)
        return [_id(raw) for raw in lost]

    async def promote(self, queue: str, *, now: float, limit: int) -> int:
        """Move due jobs to ready; see `JobUpkeep`."""
        keys = queue_keys(queue)
        return int(await scripts.promote(self._client, (keys.scheduled, keys.ready), _ms(now), limit))

    async def due_retries(self, queue: str, *, now: float) -> list[DueRetries]:
        """List types with due retries; see `JobUpkeep`."""
        keys = queue_keys(queue)
        found = await scripts.due_retries(self._client, (keys.retries, keys.retry_order, keys.admission), _ms(now))
        return [
            DueRetries(
                kind.decode(), due, Attempts(int(succeeded), int(failed)), decode_allowance(stored), bytes(stored)
            )
            for kind, due, succeeded, failed, stored in found
        ]

    async def admit_retries(self, queue: str, seen: DueRetries, *, allowance: Allowance, now: float, limit: int) -> int:
        """Move due retries to ready; see `JobUpkeep`."""
        keys = queue_keys(queue)
        where = (keys.retries, keys.retry_order, keys.ready, keys.admission)
        args = (seen.type, seen.stored, encode_allowance(allowance), _ms(now), limit)
        return max(0, int(await scripts.admit_retries(self._client, where, *args)))

    # --8<-- [start:lapsed]
    async def lapsed(self, queue: str, *, before: float, limit: int) -> LapsedLeases:
        """List jobs whose lease ended; see `JobUpkeep`. Three reads of three instants: `settle_failed` checks again."""
        keys = queue_keys(queue)
        with translated:
            scored = await self._client.zrangebyscore(
                keys.leases, "-inf", f"({_ms(before)}", start=0, num=limit, withscores=True
            )
            if not scored:
                return LapsedLeases(())
            ids = [job_id for job_id, _ in scored]
            tokens = await self._client.hmget(keys.tokens, ids)
            records = await self._client.hmget(keys.records, ids)
        leases: list[Lease] = []
        unreadable: list[Unreadable] = []
        for (job_id, ends_ms), token, record in zip(scored, tokens, records, strict=True):
            if token is not None:
                _read(queue, job_id, record or b"", token.decode(), ends_ms / 1000, leases, unreadable)
        return LapsedLeases(leases, unreadable)

    # --8<-- [end:lapsed]

    async def trim(
        self, queue: str, *, now: float, done_for_s: float, done_max: int, dead_for_s: float, dead_max: int, limit: int
    ) -> int:
        """Remove what is beyond its retention, idempotency keys too; see `JobUpkeep`."""
        keys = queue_keys(queue)
        done = await scripts.trim(self._client, (keys.done, keys.records), _ms(now - done_for_s), done_max, limit)
        dead = await scripts.trim(self._client, (keys.dead, keys.records), _ms(now - dead_for_s), dead_max, limit)
        with translated:
            await self._client.zremrangebyscore(keys.keys, "-inf", _ms(now))
        return int(done) + int(dead)

    async def find(self, queue: str, job_id: str) -> JobView | None:
        """Look a job up; see `JobArchive`."""
        keys = queue_keys(queue)
        where = (keys.records, keys.tokens, keys.scheduled, keys.retries, keys.leases, keys.dead, keys.done)
        reply = await scripts.find(self._client, where, job_id)
        if reply is None:
            return None
        record, state, score, token = reply
        job = decode(job_id, queue, record)
        at = float(score) / 1000 if score else job.due_at
        return JobView(job, JobState(state.decode()), at, token.decode(), record)

    async def cancel(self, queue: str, seen: JobView, job: Job, *, now: float) -> bool:
        """Bury a job that does not run; see `JobArchive`."""
        keys = queue_keys(queue)
        where = (keys.records, keys.scheduled, keys.ready, keys.dead, keys.retries, keys.retry_order)
        args = (job.id, seen.stored, encode(job), _ms(now), job.type, _ms(seen.job.due_at))
        return bool(await scripts.cancel(self._client, where, *args))

    async def dead(self, queue: str, *, start: int, limit: int) -> list[DeadJob]:
        """List dead jobs; see `JobArchive`."""
        keys = queue_keys(queue)
        with translated:
            scored = await self._client.zrange(keys.dead, start, start + limit - 1, withscores=True)
            if not scored:
                return []
            records = await self._client.hmget(keys.records, [job_id for job_id, _ in scored])
        return [
            DeadJob(decode_or_show(_id(raw_id), queue, record or b"", died_ms / 1000), died_ms / 1000)
            for (raw_id, died_ms), record in zip(scored, records, strict=True)
        ]

    async def redrive(self, queue: str, jobs: Sequence[Job], *, now: float) -> list[bool]:  # noqa: ARG002
        """Send dead jobs back to ready; see `JobArchive`."""
        keys = queue_keys(queue)
        args = [field for job in jobs for field in (_raw(job.id), encode(job))]
        moved = await scripts.redrive(self._client, (keys.dead, keys.records, keys.ready), *args)
        return [bool(was_dead) for was_dead in moved]

    async def stats(self, queue: str, *, now: float) -> QueueStats:
        """Count; see `JobArchive`."""
        keys = queue_keys(queue)
        where = (keys.records, keys.ready, keys.scheduled, keys.leases, keys.done, keys.dead, keys.retries)
        ready, scheduled, running, done, dead, head, first_due, retries = await scripts.stats(self._client, where)
        try:
            waiting_since = decode("head", queue, head).due_at if head else now
        except UndecodableRecord:  # it is claimed and buried like any other, and until then its age is not known
            waiting_since = now
        depth = {
            JobState.SCHEDULED: int(scheduled),
            JobState.READY: int(ready),
            JobState.RUNNING: int(running),
            JobState.DONE: int(done),
            JobState.DEAD: int(dead),
        }
        overdue_s = now - float(first_due) / 1000 if first_due else 0.0
        return QueueStats(queue, depth, max(0.0, now - waiting_since), max(0.0, overdue_s), int(retries))

    async def attempts(self, queue: str) -> Mapping[str, Attempts]:
        """Return what was counted by type; see `JobArchive`."""
        with translated:
            counters = await self._client.hgetall(queue_keys(queue).admission)
        counted: dict[str, Attempts] = {}
        for field, count in counters.items():
            outcome, _, kind = field.decode("utf-8", "replace").partition(" ")
            if outcome in Attempts._fields:
                counted[kind] = counted.get(kind, Attempts(0, 0))._replace(**{outcome: int(count)})
        return counted

    async def running(self, queue: str, *, limit: int) -> list[tuple[str, float]]:
        """List leases; see `JobArchive`. Two reads of two instants: a lease that has ended in between is left out."""
        keys = queue_keys(queue)
        with translated:
            scored = await self._client.zrange(keys.leases, 0, limit - 1, withscores=True)
            tokens = await self._client.hmget(keys.tokens, [job_id for job_id, _ in scored]) if scored else []
        held = zip(tokens, scored, strict=True)
        return [(token.decode("utf-8", "replace"), ends_ms / 1000) for token, (_, ends_ms) in held if token]

    async def ping(self) -> None:
        """Return when the server answers; see `JobArchive`."""
        with translated:
            await self._client.ping()

    async def close(self) -> None:
        """Close the connections; see `JobArchive`."""
        with translated:
            await self._client.aclose()


def _id(raw: bytes) -> str:
    """Return an id as text, whatever bytes somebody put there; `_raw` is the way back."""
    return raw.decode("utf-8", "surrogateescape")


def _raw(job_id: str) -> bytes:
    return job_id.encode("utf-8", "surrogateescape")


def _claim_args(
    queue: str, *, wanted: int, token: str, now: float, lease_s: float, done_max: int
) -> tuple[tuple[str, ...], list[Any]]:
    keys = queue_keys(queue)
    return (keys.ready, keys.records, keys.leases, keys.tokens, keys.done, keys.admission), [
        _ms(now),
        _ms(now + lease_s),
        token,
        wanted,
        done_max,
    ]


def _claim(queue: str, reply: list[Any], token: str, expires_at: float) -> Claim:
    leases: list[Lease] = []
    unreadable: list[Unreadable] = []
    for position in range(1, len(reply), 2):
        _read(queue, reply[position], reply[position + 1], token, expires_at, leases, unreadable)
    return Claim(leases, unreadable, [_id(raw) for raw in reply[0]])


def _read(
    queue: str,
    raw_id: bytes,
    record: bytes,
    token: str,
    expires_at: float,
    leases: list[Lease],
    unreadable: list[Unreadable],
) -> None:
    job_id = _id(raw_id)
    if not job_id.isascii():
        unreadable.append(Unreadable(job_id, token, record, f"id {raw_id!r} was not made by this service"))
        return
    try:
        leases.append(Lease(decode(job_id, queue, record), token, expires_at))
    except UndecodableRecord as error:
        unreadable.append(Unreadable(job_id, token, record, str(error)))


_conforms: type[JobStore] = RedisJobStore  # the type checker is the conformance test
