"""Calls that start again by themselves when the connection breaks, and a `take` of WATCH, MULTI and EXEC.

A repeated `submit` may push twice, a repeated `acknowledge` or `redrive` may answer False for what its first try did:
the caller learns less than from the error, and nothing is lost or doubled by it.
"""

import functools
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, ParamSpec, TypeVar

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as BrokenConnectionError
from redis.exceptions import WatchError

P = ParamSpec("P")
T = TypeVar("T")

READY = "{orders}:ready"

SCHEDULED = "{orders}:scheduled"

DEAD = "{orders}:dead"


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
    return json.dumps(job).encode()


def starts_again(call: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Repeat a call whose connection broke, up to twice."""

    @functools.wraps(call)
    async def repeated(*args: P.args, **named: P.kwargs) -> T:
        for _ in range(2):
            try:
                return await call(*args, **named)
            except BrokenConnectionError:
                continue
        return await call(*args, **named)

    return repeated


@starts_again
async def submit(redis: Redis, job_id: str, payload: Any, *, now_s: float) -> None:
    """Put a new job at the left end of READY, with the five fields above, `attempts` 0."""
    job = {"id": job_id, "payload": payload, "submitted_at_s": now_s, "attempts": 0, "errors": []}
    await redis.lpush(READY, _encode(job))


async def take(redis: Redis, worker: str) -> bytes | None:
    """Move the entry at the right end of READY to the left end of the worker's processing list, and return it."""
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(READY)
                entry: bytes | None = await pipe.lindex(READY, -1)
                if entry is not None:
                    pipe.multi()
                    pipe.rpop(READY)
                    pipe.lpush(processing(worker), entry)
                    await pipe.execute()
            except WatchError:
                continue  # what a lost reply of EXEC has moved waits in the processing list, and this takes the next
            return entry


@starts_again
async def acknowledge(redis: Redis, worker: str, entry: bytes) -> bool:
    """Remove one entry with exactly these bytes from the worker's processing list."""
    removed: int = await redis.lrem(processing(worker), 1, entry)
    return removed == 1


@starts_again
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
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(held)
                if await pipe.lpos(held, entry) is None:
                    return "gone"
                job = _after_failure(worker, entry, error, now_s=now_s)
                dead = job["id"] is None or job["attempts"] >= max_attempts
                pipe.multi()
                pipe.lrem(held, 1, entry)
                if dead:
                    pipe.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
                else:
                    pipe.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
                await pipe.execute()
            except WatchError:
                # The list changed, or the connection broke and EXEC may have run: only reading again can tell.
                continue
            return "dead" if dead else "scheduled"


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


@starts_again
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


async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    """Move each entry that `worker` held to SCHEDULED or DEAD, as `fail` does, and return how many this call moved."""
    moved = 0
    for entry in await redis.lrange(processing(worker), 0, -1):
        error = WorkerLostError(f"worker {worker} was lost")
        outcome = await fail(redis, worker, entry, error, now_s=now_s, delay_s=delay_s, max_attempts=max_attempts)
        moved += outcome != "gone"
    return moved


@starts_again
async def peek(redis: Redis, *, limit: int) -> list[dict[str, Any]]:
    """Return the oldest `limit` dead records (1 or more), oldest first, as dicts. Change nothing."""
    return [json.loads(record) for record in await redis.lrange(DEAD, 0, limit - 1)]


def _after_redrive(record: dict[str, Any], *, now_s: float) -> dict[str, Any]:
    """Return the job that a dead record becomes: a fresh budget of attempts, and how it came here."""
    provenance = {"at_s": now_s, "dead_at_s": record["dead_at_s"], "attempts": record["attempts"]}
    job = {name: value for name, value in record.items() if name != "dead_at_s"}
    return {**job, "attempts": 0, "redriven": [*record.get("redriven", []), provenance]}


@starts_again
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
