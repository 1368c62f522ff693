"""The same answers with redis-py's `transaction` helper, decisions in pure functions, and whole lists moved at once.

It differs where the reference made a choice: one function runs every transaction, a move is looked for in a copy of
the list (LRANGE) and not by LPOS, `recover` and `redrive_all` move everything in a single transaction, and records are
written with sorted keys.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError

READY = "{orders}:ready"
"""A list. New jobs go in on the left; the entry at the right end is next."""

SCHEDULED = "{orders}:scheduled"
"""A sorted set. Member: the entry; score: the epoch second at which the job may run again. Equal entries become one."""

DEAD = "{orders}:dead"
"""A list of the records that `fail` writes. New ones go in on the right, so the oldest is at the left end."""


def processing(worker: str) -> str:
    """Name the list that holds what `worker` has taken and not finished: newest at the left end."""
    return f"{{orders}}:processing:{worker}"


def done_mark(job_id: str) -> str:
    """Name the string key that exists, whatever its value, once the job's effect has been committed."""
    return f"{{orders}}:done:{job_id}"


class UndecodableError(ValueError):
    """The entry is not a job: raised by `decode`. The message says what is wrong with it."""


class WorkerLostError(Exception):
    """The worker that held the job is gone: the error that `recover` records."""


FIELDS = {"id": str, "payload": object, "submitted_at_s": (int, float), "attempts": int, "errors": list}


def as_bytes(value: Any) -> bytes:
    """Write a value as JSON, its fields in alphabetical order."""
    return json.dumps(value, sort_keys=True).encode()


async def submit(redis: Redis, job_id: str, payload: Any, *, now_s: float) -> None:
    """Put a new job at the left end of READY, with the five fields above, `attempts` 0."""
    job = {"id": job_id, "payload": payload, "submitted_at_s": now_s, "attempts": 0, "errors": []}
    await redis.lpush(READY, as_bytes(job))


async def take(redis: Redis, worker: str) -> bytes | None:
    """Move the entry at the right end of READY to the left end of the worker's processing list, and return it."""
    entry: bytes | None = await redis.rpoplpush(READY, processing(worker))
    return entry


async def acknowledge(redis: Redis, worker: str, entry: bytes) -> bool:
    """Remove one entry with exactly these bytes from the worker's processing list."""
    return bool(await redis.lrem(processing(worker), -1, entry))


def failed(
    worker: str, entry: bytes, error: BaseException, now_s: float, max_attempts: int
) -> tuple[dict[str, Any], Literal["scheduled", "dead"]]:
    """Decide what a failed job becomes, and which way it goes."""
    try:
        job = decode(entry)
    except UndecodableError:
        job = {"id": None, "payload": None, "submitted_at_s": None, "raw_hex": entry.hex(), "attempts": 0, "errors": []}
        max_attempts = 0
    job["attempts"] += 1
    chain = error_chain(error)
    job["errors"].append({"attempt": job["attempts"], "at_s": now_s, "worker": worker, "chain": chain})
    if job["attempts"] < max_attempts:
        return job, "scheduled"
    job["dead_at_s"] = now_s
    return job, "dead"


def queue_move(pipe: Pipeline, job: dict[str, Any], way: str, due_s: float) -> None:
    """Queue the command that puts the job where it goes."""
    if way == "dead":
        pipe.rpush(DEAD, as_bytes(job))
    else:
        pipe.zadd(SCHEDULED, {as_bytes(job): due_s})


async def fail(
    redis: Redis,
    worker: str,
    entry: bytes,
    error: BaseException,
    *,
    now_s: float,
    delay_s: float,
    max_attempts: int,
) -> Literal["scheduled", "dead", "gone"]:
    """Move a job whose attempt failed out of the worker's processing list: to a later retry, or to the dead."""
    held = processing(worker)

    async def plan(pipe: Pipeline) -> Literal["scheduled", "dead", "gone"]:
        if entry not in await pipe.lrange(held, 0, -1):
            return "gone"
        job, way = failed(worker, entry, error, now_s, max_attempts)
        pipe.multi()
        pipe.lrem(held, 1, entry)
        queue_move(pipe, job, way, now_s + delay_s)
        return way

    outcome: Literal["scheduled", "dead", "gone"] = await redis.transaction(plan, held, value_from_callable=True)
    return outcome


def links(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what caused it, each once."""
    met: list[BaseException] = []
    while error is not None and not any(error is one for one in met):
        met.append(error)
        yield error
        if error.__cause__ is not None:
            error = error.__cause__
        elif error.__suppress_context__:
            return
        else:
            error = error.__context__


def error_chain(error: BaseException) -> list[dict[str, str]]:
    """List an error and all its causes, outermost first: `{"type": class name, "message": str(error)}` for each."""
    return [{"type": type(link).__name__, "message": str(link)} for link in links(error)]


def decode(entry: bytes) -> dict[str, Any]:
    """Return the entry's JSON object, with every field that it has."""
    try:
        job = json.loads(str(entry, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise UndecodableError(str(error)) from None
    if not isinstance(job, dict):
        raise UndecodableError("a job is an object")
    for name, kind in FIELDS.items():
        if name not in job or not isinstance(job[name], kind) or (name != "payload" and isinstance(job[name], bool)):
            raise UndecodableError(f"{name} is missing, or not what it should be")
    if job["id"] == "" or job["attempts"] < 0:
        raise UndecodableError("an empty id, or negative attempts")
    return job


class EffectFailedError(Exception):
    """The effect raised `error`, a WatchError, which `redis.transaction` would take for its own and start again."""

    def __init__(self, error: WatchError) -> None:
        super().__init__(error)
        self.error = error


async def handle_once(
    redis: Redis,
    worker: str,
    entry: bytes,
    effect: Callable[[Pipeline, dict[str, Any]], None],
) -> bool:
    """Run the job's effect, mark the job done and acknowledge the entry, all in one MULTI/EXEC."""
    job = decode(entry)
    held, mark = processing(worker), done_mark(job["id"])

    async def plan(pipe: Pipeline) -> bool:
        done = await pipe.get(mark) is not None
        if entry not in await pipe.lrange(held, 0, -1):
            return False
        pipe.multi()
        pipe.lrem(held, 1, entry)
        if done:
            return False
        pipe.set(mark, worker)
        try:
            effect(pipe, job)
        except WatchError as error:
            raise EffectFailedError(error) from error
        return True

    try:
        handled: bool = await redis.transaction(plan, mark, held, value_from_callable=True)
    except EffectFailedError as failed:
        raise failed.error from None
    return handled


async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    """Move each entry that `worker` held to SCHEDULED or DEAD, as `fail` does, and return how many this call moved."""
    held = processing(worker)
    lost = WorkerLostError(f"worker {worker} was lost")

    async def plan(pipe: Pipeline) -> int:
        entries = await pipe.lrange(held, 0, -1)
        pipe.multi()
        if entries:
            pipe.delete(held)
        for entry in entries:
            job, way = failed(worker, entry, lost, now_s, max_attempts)
            queue_move(pipe, job, way, now_s + delay_s)
        return len(entries)

    moved: int = await redis.transaction(plan, held, value_from_callable=True)
    return moved


async def peek(redis: Redis, *, limit: int) -> list[dict[str, Any]]:
    """Return the oldest `limit` dead records (1 or more), oldest first, as dicts. Change nothing."""
    records = await redis.lrange(DEAD, 0, -1)
    return [json.loads(record) for record in records[:limit]]


def revived(record: dict[str, Any], now_s: float) -> bytes:
    """Write the entry of a job that comes back from the dead."""
    job = dict(record)
    came = {"at_s": now_s, "dead_at_s": job.pop("dead_at_s"), "attempts": job["attempts"]}
    job["redriven"] = [*job.get("redriven", []), came]
    job["attempts"] = 0
    return as_bytes(job)


async def redrive_those(redis: Redis, wanted: Callable[[str], bool], now_s: float) -> int:
    """Move every dead job whose id is wanted, the oldest first, in one transaction."""

    async def plan(pipe: Pipeline) -> int:
        moved = 0
        records = await pipe.lrange(DEAD, 0, -1)
        pipe.multi()
        for record in records:
            job = json.loads(record)
            if job["id"] is not None and wanted(job["id"]):
                pipe.lrem(DEAD, 1, record)
                pipe.lpush(READY, revived(job, now_s))
                moved += 1
        return moved

    count: int = await redis.transaction(plan, DEAD, value_from_callable=True)
    return count


async def redrive(redis: Redis, job_id: str, *, now_s: float) -> bool:
    """Move one dead job back to the left end of READY, and return True if this call moved it."""
    return await redrive_those(redis, lambda one: one == job_id, now_s) > 0


async def redrive_all(redis: Redis, *, now_s: float) -> int:
    """Re-drive every dead job as `redrive` does, so that the oldest is taken first."""
    return await redrive_those(redis, lambda _one: True, now_s)
