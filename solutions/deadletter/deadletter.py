"""Keep every job through crashes, lost replies and failures: the reference solution.

An entry is one JSON object in UTF-8 bytes, with at least these fields:

    {"id": "job-7",            never changes
     "payload": …,             any JSON value
     "submitted_at_s": 100.0,  epoch seconds; never changes
     "attempts": 0,            how many have failed
     "errors": []}             one object for each failed attempt, oldest first

Producers in other languages write entries too, with fields that you don't know. Keep those fields. Only you write
`dead_at_s` and `redriven`.

At every instant, each entry is in one place: READY, one worker's processing list, SCHEDULED or DEAD.

Rules for every function that talks to Redis:
  - Use only the client that you get, and no Lua. Don't block, sleep or read a clock: `now_s` is the time.
  - Give connections back: `async with redis.pipeline() as pipe:`.
  - The connection can break before or after Redis acted. Raise `redis.exceptions.ConnectionError`, or try again; never
    report work that wasn't done. A cancellation comes out.
  - After a `WatchError`, start again by reading. Yours never leave your functions.
  - After a lost reply, an answer may be too low ("gone", False, a smaller number), but never too high.
"""

import json
from collections.abc import Callable
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


def _encode(job: dict[str, Any]) -> bytes:
    """Write a job or a record as an entry."""
    return json.dumps(job).encode()


# ── Step 1: take without losing ───────────────────────────────────────────────────────────────────────────────────────


async def submit(redis: Redis, job_id: str, payload: Any, *, now_s: float) -> None:
    """Put a new job at the left end of READY, with the five fields above, `attempts` 0.

    Submitted again after a lost reply, a job may have two entries. Step 4 makes that harmless.
    """
    job = {"id": job_id, "payload": payload, "submitted_at_s": now_s, "attempts": 0, "errors": []}
    await redis.lpush(READY, _encode(job))


# --8<-- [start:take]
async def take(redis: Redis, worker: str) -> bytes | None:
    """Move the entry at the right end of READY to the left end of the worker's processing list, and return it.

    Returns None immediately when READY is empty. The bytes may not be a job. The entry is always in one of the
    two lists, because the worker can die. If the reply is lost, step 5 finds it.
    """
    entry: bytes | None = await redis.lmove(READY, processing(worker), "RIGHT", "LEFT")
    return entry


# --8<-- [end:take]


# --8<-- [start:acknowledge]
async def acknowledge(redis: Redis, worker: str, entry: bytes) -> bool:
    """Remove one entry with exactly these bytes from the worker's processing list.

    Returns True if it was there; otherwise, change nothing and return False.
    """
    removed: int = await redis.lrem(processing(worker), 1, entry)
    return removed == 1


# --8<-- [end:acknowledge]


# ── Step 2: fail without losing ───────────────────────────────────────────────────────────────────────────────────────


# --8<-- [start:fail]
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
    """Move a job whose attempt failed out of the worker's processing list: to a later retry, or to the dead.

    The job's new entry has `attempts` one higher.
      - Below `max_attempts` (1 or more): into SCHEDULED, with score `now_s + delay_s`; return "scheduled".
      - Otherwise: to the right end of DEAD; return "dead".
      - The worker's list doesn't hold these bytes: change nothing; return "gone". Another client may have moved the
        entry before or during this call, so a repeated call does no harm.

    One MULTI/EXEC removes one entry and adds the new one, so that no crash leaves the job in both places or in neither.
    In step 2 every entry is a job; step 3 adds the record.
    """
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


# --8<-- [end:fail]


# ── Step 3: the record ────────────────────────────────────────────────────────────────────────────────────────────────


def error_chain(error: BaseException) -> list[dict[str, str]]:
    """List an error and all its causes, outermost first: `{"type": class name, "message": str(error)}` for each.

    The class name is `__name__`. Follow `__cause__`; if that is None, `__context__`, unless `__suppress_context__` is
    set. Stop at an error that is listed already. Compare with `is`: a class may define `==` or `len()`.
    """
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
    """Return the entry's JSON object, with every field that it has.

    Raises:
        UndecodableError: The entry is not a job. No other error comes out. A job is UTF-8 that `json.loads` can read,
            and an object with all five fields: `id` a string, not empty; `submitted_at_s` an int or a float;
            `attempts` an int, 0 or more (not True or 1.0); `errors` a list.
    """
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


# --8<-- [start:record]
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


# --8<-- [end:record]


# ── Step 4: handle once ───────────────────────────────────────────────────────────────────────────────────────────────


# --8<-- [start:handle-once]
async def handle_once(
    redis: Redis,
    worker: str,
    entry: bytes,
    effect: Callable[[Pipeline, dict[str, Any]], None],
) -> bool:
    """Run the job's effect, mark the job done and acknowledge the entry, all in one MULTI/EXEC.

      - The worker's list doesn't hold these bytes: change nothing; return False.
      - `done_mark(id)` exists, so the work is done: only remove the entry; return False.
      - Otherwise: commit effect, mark and removal together; return True. The mark never expires: a dead job may be
        re-driven months later.

    `effect(pipe, job)`, a plain function, queues commands for the job from `decode`. Call it between `multi()` and
    `execute()`, again if you start again.

    Two workers may hold the same job, and step 5 may move the entry meanwhile. The effect still commits at most once.

    Raises:
        UndecodableError: from `decode`. Nothing has changed.
        redis.ResponseError: Redis refused a command of the effect. If it did so in EXEC, the other commands stay
            committed: MULTI has no rollback. If it did so before (an unknown command), nothing is.
        Exception: whatever `effect` raises, unchanged, a `WatchError` too. Nothing has changed.
    """
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


# --8<-- [end:handle-once]


# ── Step 5: recover what a dead worker held ───────────────────────────────────────────────────────────────────────────


# --8<-- [start:recover]
async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    """Move each entry that `worker` held to SCHEDULED or DEAD, as `fail` does, and return how many this call moved.

    The error is `WorkerLostError(f"worker {worker} was lost")`. The attempt counts: the job may have killed the worker.

    Other callers, and a worker that is only slow, may act meanwhile; each entry is moved once. Entries that arrive
    meanwhile may stay. If the call is cut off, each entry has been moved or is still in the list.
    """
    moved = 0
    for entry in await redis.lrange(processing(worker), 0, -1):
        error = WorkerLostError(f"worker {worker} was lost")
        outcome = await fail(redis, worker, entry, error, now_s=now_s, delay_s=delay_s, max_attempts=max_attempts)
        moved += outcome != "gone"
    return moved


# --8<-- [end:recover]


# ── Stretch, step 6: look, and re-drive ───────────────────────────────────────────────────────────────────────────────


async def peek(redis: Redis, *, limit: int) -> list[dict[str, Any]]:
    """Return the oldest `limit` dead records (1 or more), oldest first, as dicts. Change nothing."""
    return [json.loads(record) for record in await redis.lrange(DEAD, 0, limit - 1)]


# --8<-- [start:redrive]
def _after_redrive(record: dict[str, Any], *, now_s: float) -> dict[str, Any]:
    """Return the job that a dead record becomes: a fresh budget of attempts, and how it came here."""
    provenance = {"at_s": now_s, "dead_at_s": record["dead_at_s"], "attempts": record["attempts"]}
    job = {name: value for name, value in record.items() if name != "dead_at_s"}
    return {**job, "attempts": 0, "redriven": [*record.get("redriven", []), provenance]}


async def redrive(redis: Redis, job_id: str, *, now_s: float) -> bool:
    """Move one dead job back to the left end of READY, and return True if this call moved it.

    The new entry keeps every field except `dead_at_s`. Its `attempts` is 0, and its list `redriven` (new if there is
    none) has one more at its end: `{"at_s": now_s, "dead_at_s": the record's, "attempts": the record's}`.

    If no record has this id, change nothing and return False. One MULTI/EXEC moves it, so that a repeated call or a
    second operator makes no second copy.
    """
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
    """Re-drive every dead job as `redrive` does, so that the oldest is taken first.

    Returns how many records this call moved; two with one id are two. Records with a null id stay in DEAD, in their
    order: they would be buried again. Jobs that die meanwhile may stay.
    """
    moved = 0
    for record in await redis.lrange(DEAD, 0, -1):
        job_id = json.loads(record)["id"]
        if job_id is not None:
            moved += await redrive(redis, job_id, now_s=now_s)
    return moved


# --8<-- [end:redrive]
