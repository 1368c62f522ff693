"""What cannot be re-driven is put behind the others, until nothing else is left.

Incident: The connection breaks half-way. The records that nobody could read are in another order than the one in which
  they came, and the log of that hour no longer fits them.
Fails: 6
Says: or its order
"""

import json
from collections.abc import Callable
from typing import Any, Literal

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError

READY = "{orders}:ready"

SCHEDULED = "{orders}:scheduled"

DEAD = "{orders}:dead"


def processing(worker: str) -> str:
    return f"{{orders}}:processing:{worker}"


def done_mark(job_id: str) -> str:
    return f"{{orders}}:done:{job_id}"


class UndecodableError(ValueError):
    pass


class WorkerLostError(Exception):
    pass


def _encode(job: dict[str, Any]) -> bytes:
    return json.dumps(job).encode()


async def submit(redis: Redis, job_id: str, payload: Any, *, now_s: float) -> None:
    job = {"id": job_id, "payload": payload, "submitted_at_s": now_s, "attempts": 0, "errors": []}
    await redis.lpush(READY, _encode(job))


async def take(redis: Redis, worker: str) -> bytes | None:
    entry: bytes | None = await redis.lmove(READY, processing(worker), "RIGHT", "LEFT")
    return entry


async def acknowledge(redis: Redis, worker: str, entry: bytes) -> bool:
    removed: int = await redis.lrem(processing(worker), 1, entry)
    return removed == 1


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
    try:
        job = decode(entry)
    except UndecodableError:
        nothing: dict[str, Any] = {"id": None, "payload": None, "submitted_at_s": None, "attempts": 0, "errors": []}
        job = {**nothing, "raw_hex": entry.hex()}
    attempt = job["attempts"] + 1
    failure = {"attempt": attempt, "at_s": now_s, "worker": worker, "chain": error_chain(error)}
    return {**job, "attempts": attempt, "errors": [*job["errors"], failure]}


async def handle_once(
    redis: Redis,
    worker: str,
    entry: bytes,
    effect: Callable[[Pipeline, dict[str, Any]], None],
) -> bool:
    job = decode(entry)
    held, mark = processing(worker), done_mark(job["id"])
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(held, mark)
                if await pipe.lpos(held, entry) is None:
                    return False
                done = await pipe.exists(mark)
                pipe.multi()
                if not done:
                    effect(pipe, job)
                    pipe.set(mark, "1")
                pipe.lrem(held, 1, entry)
                await pipe.execute()
            except WatchError:
                continue
            return not done


async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    moved = 0
    for entry in await redis.lrange(processing(worker), 0, -1):
        error = WorkerLostError(f"worker {worker} was lost")
        outcome = await fail(redis, worker, entry, error, now_s=now_s, delay_s=delay_s, max_attempts=max_attempts)
        moved += outcome != "gone"
    return moved


async def peek(redis: Redis, *, limit: int) -> list[dict[str, Any]]:
    return [json.loads(record) for record in await redis.lrange(DEAD, 0, limit - 1)]


def _after_redrive(record: dict[str, Any], *, now_s: float) -> dict[str, Any]:
    provenance = {"at_s": now_s, "dead_at_s": record["dead_at_s"], "attempts": record["attempts"]}
    job = {name: value for name, value in record.items() if name != "dead_at_s"}
    return {**job, "attempts": 0, "redriven": [*record.get("redriven", []), provenance]}


async def redrive(redis: Redis, job_id: str, *, now_s: float) -> bool:
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
    moved = 0
    while ids := [json.loads(record)["id"] for record in await redis.lrange(DEAD, 0, -1)]:
        if ids[0] is not None:
            moved += await redrive(redis, ids[0], now_s=now_s)
        elif any(job_id is not None for job_id in ids):
            await redis.lmove(DEAD, DEAD, "LEFT", "RIGHT")
        else:
            break
    return moved
