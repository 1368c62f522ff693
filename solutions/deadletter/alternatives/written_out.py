"""The same answers with WATCH, MULTI and EXEC written out as commands on one connection, no pipeline in `fail`.

Each command of a transaction makes its own round trip here and is answered with QUEUED; EXEC answers null when a
watched key has changed. `fail` and `recover` also start again by themselves, up to twice, when the connection breaks.
That is safe for the reason for which a caller may repeat them: they look before they write.
"""

import json
from collections.abc import Callable
from typing import Any, Literal

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as BrokenConnectionError
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


def _encode(job: dict[str, Any]) -> bytes:
    """Write a job or a record as an entry."""
    return json.dumps(job, separators=(",", ":")).encode()


# ── Step 1: take without losing ───────────────────────────────────────────────────────────────────────────────────────


async def submit(redis: Redis, job_id: str, payload: Any, *, now_s: float) -> None:
    """Put a new job at the left end of READY, with the five fields above, `attempts` 0."""
    job = {"id": job_id, "payload": payload, "submitted_at_s": now_s, "attempts": 0, "errors": []}
    await redis.lpush(READY, _encode(job))


async def take(redis: Redis, worker: str) -> bytes | None:
    """Move the entry at the right end of READY to the left end of the worker's processing list, and return it."""
    entry: bytes | None = await redis.lmove(READY, processing(worker), "RIGHT", "LEFT")
    return entry


async def acknowledge(redis: Redis, worker: str, entry: bytes) -> bool:
    """Remove one entry with exactly these bytes from the worker's processing list."""
    removed: int = await redis.lrem(processing(worker), 1, entry)
    return removed == 1


# ── Step 2: fail without losing ───────────────────────────────────────────────────────────────────────────────────────


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
    for retries_left in (2, 1, 0):
        try:
            return await move_failed(redis, worker, entry, error, now_s, delay_s, max_attempts)
        except BrokenConnectionError:
            if not retries_left:
                raise
    raise AssertionError("unreachable: the last round returns or raises")


async def move_failed(
    redis: Redis, worker: str, entry: bytes, error: BaseException, now_s: float, delay_s: float, max_attempts: int
) -> Literal["scheduled", "dead", "gone"]:
    """Do what `fail` does, once, on a connection of its own."""
    held = processing(worker)
    async with redis.client() as connection:
        while True:
            await connection.execute_command("WATCH", held)
            if entry not in await connection.lrange(held, 0, -1):
                await connection.execute_command("UNWATCH")
                return "gone"
            job = _after_failure(worker, entry, error, now_s=now_s)
            dead = job["id"] is None or not job["attempts"] < max_attempts
            await connection.execute_command("MULTI")
            await connection.execute_command("LREM", held, 1, entry)
            if dead:
                await connection.execute_command("RPUSH", DEAD, _encode(job | {"dead_at_s": now_s}))
            else:
                await connection.execute_command("ZADD", SCHEDULED, now_s + delay_s, _encode(job))
            replies = await connection.execute_command("EXEC")
            if replies is not None:
                for reply in replies:  # a command that EXEC refused is a value among the others, and not raised
                    if isinstance(reply, Exception):
                        raise reply
                return "dead" if dead else "scheduled"


# ── Step 3: the record ────────────────────────────────────────────────────────────────────────────────────────────────


def error_chain(error: BaseException) -> list[dict[str, str]]:
    """List an error and all its causes, outermost first: `{"type": class name, "message": str(error)}` for each."""
    chain: list[dict[str, str]] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        chain.append({"type": type(link).__name__, "message": str(link)})
        context = None if link.__suppress_context__ else link.__context__
        link = link.__cause__ if link.__cause__ is not None else context
    return chain


def decode(entry: bytes) -> dict[str, Any]:
    """Return the entry's JSON object, with every field that it has."""
    try:
        job = json.loads(entry.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # ValueError is the parent of UnicodeDecodeError and JSONDecodeError
        raise UndecodableError(f"not JSON in UTF-8: {error}") from error
    if not isinstance(job, dict):
        raise UndecodableError(f"a JSON {type(job).__name__} is not a job; a job is an object")
    missing = [name for name in ("id", "payload", "submitted_at_s", "attempts", "errors") if name not in job]
    if missing:
        raise UndecodableError(f"the job has no {', '.join(missing)}")
    if not isinstance(job["id"], str) or not job["id"]:
        raise UndecodableError(f"id must be a string that is not empty, got {job['id']!r}")
    if type(job["attempts"]) is not int or job["attempts"] < 0:
        raise UndecodableError(f"attempts must be an int, 0 or more, got {job['attempts']!r}")
    if not isinstance(job["errors"], list):
        raise UndecodableError(f"errors must be a list, got {job['errors']!r}")
    if not isinstance(job["submitted_at_s"], int | float):
        raise UndecodableError(f"submitted_at_s must be a number, got {job['submitted_at_s']!r}")
    return job


def _after_failure(worker: str, entry: bytes, error: BaseException, *, now_s: float) -> dict[str, Any]:
    """Return the job with one more failed attempt on its record; of an entry that is not a job, what can be kept."""
    try:
        job = decode(entry)
    except UndecodableError:
        nothing: dict[str, Any] = {"id": None, "payload": None, "submitted_at_s": None, "attempts": 0, "errors": []}
        job = {**nothing, "raw_hex": entry.hex()}
    attempt = job["attempts"] + 1
    failure = {"attempt": attempt, "at_s": now_s, "worker": worker, "chain": error_chain(error)}
    return {**job, "attempts": attempt, "errors": [*job["errors"], failure]}


# ── Step 4: handle once ───────────────────────────────────────────────────────────────────────────────────────────────


async def handle_once(
    redis: Redis,
    worker: str,
    entry: bytes,
    effect: Callable[[Pipeline, dict[str, Any]], None],
) -> bool:
    """Run the job's effect, mark the job done and acknowledge the entry, all in one MULTI/EXEC."""
    job = decode(entry)
    held, mark = processing(worker), done_mark(job["id"])
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(held, mark)
                if await pipe.lpos(held, entry) is None:
                    return False
                done = await pipe.exists(mark)
            except WatchError:
                continue
            pipe.multi()
            if not done:
                effect(pipe, job)  # outside of `try`: a WatchError that it raises is its own, and would come again
                pipe.set(mark, "1")
            pipe.lrem(held, 1, entry)
            try:
                await pipe.execute()
            except WatchError:
                continue
            return not done


# ── Step 5: recover what a dead worker held ───────────────────────────────────────────────────────────────────────────


async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    """Move each entry that `worker` held to SCHEDULED or DEAD, as `fail` does, and return how many this call moved."""
    moved = 0
    while (entry := await redis.lindex(processing(worker), -1)) is not None:
        lost = WorkerLostError(f"worker {worker} was lost")
        outcome = await fail(redis, worker, entry, lost, now_s=now_s, delay_s=delay_s, max_attempts=max_attempts)
        moved += outcome != "gone"
    return moved


# ── Stretch, step 6: look, and re-drive ───────────────────────────────────────────────────────────────────────────────


async def peek(redis: Redis, *, limit: int) -> list[dict[str, Any]]:
    """Return the oldest `limit` dead records (1 or more), oldest first, as dicts. Change nothing."""
    return [json.loads(record) for record in await redis.lrange(DEAD, 0, limit - 1)]


def _after_redrive(record: dict[str, Any], *, now_s: float) -> dict[str, Any]:
    """Return the job that a dead record becomes: a fresh budget of attempts, and how it came here."""
    provenance = {"at_s": now_s, "dead_at_s": record["dead_at_s"], "attempts": record["attempts"]}
    job = {name: value for name, value in record.items() if name != "dead_at_s"}
    return {**job, "attempts": 0, "redriven": [*record.get("redriven", []), provenance]}


async def redrive(redis: Redis, job_id: str, *, now_s: float) -> bool:
    """Move one dead job back to the left end of READY, and return True if this call moved it."""
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(DEAD)
                records: list[bytes] = await pipe.lrange(DEAD, 0, -1)
                record = next((dead for dead in records if json.loads(dead)["id"] == job_id), None)
                if record is None:
                    return False
                pipe.multi()
                pipe.lrem(DEAD, 1, record)
                pipe.lpush(READY, _encode(_after_redrive(json.loads(record), now_s=now_s)))
                await pipe.execute()
            except WatchError:
                continue
            return True


async def redrive_all(redis: Redis, *, now_s: float) -> int:
    """Re-drive every dead job as `redrive` does, so that the oldest is taken first."""
    moved = 0
    for record in await redis.lrange(DEAD, 0, -1):
        job_id = json.loads(record)["id"]
        if job_id is not None:
            moved += await redrive(redis, job_id, now_s=now_s)
    return moved
