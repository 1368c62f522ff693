"""Keep every job through crashes, lost replies and failures: the reference solution.

The keys below are the whole queue. At any instant a job that was submitted and is not finished has its entry in
exactly one of them: ready, one worker's processing list, scheduled, or dead.

An entry is bytes: one JSON object, UTF-8, with at least these fields.

    {"id": "job-7",            the job's id: a string that is not empty; it never changes
     "payload": …,             any JSON value, handed to the handler as it came
     "submitted_at_s": 100.0,  epoch seconds of the submit; it never changes
     "attempts": 0,            attempts that have failed so far: an int, 0 or more
     "errors": []}             one object per failed attempt, oldest first (step 3)

Producers in other languages write entries too: spacing and the order of the fields are theirs, and there may be fields
you do not know. Pass those on unchanged whenever you write a job's entry anew.

Rules for every function that talks to Redis:
  - Use the client that is passed in, as often as you like, and no other. No Lua: EVAL, EVALSHA and FCALL are refused.
  - A time is an argument (`now_s`, epoch seconds, int or float). Nothing reads a clock, sleeps, or blocks on a list.
  - The connection may break, or the task may be cancelled, at any send or receive, before or after Redis acted. The
    caller then gets the `redis.ConnectionError` (or `CancelledError`), or you start again and answer as usual.
    redis-py reports a connection that breaks while a WATCH is on as `WatchError`, *even when EXEC took effect*: after
    a WatchError, read again before you decide anything. A WatchError never leaves your functions: start again.
  - The steps do not call each other unless the text says so, but you may let them.
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
"""A sorted set. Member: the entry; score: the epoch second at which the job may run again."""

DEAD = "{orders}:dead"
"""A list of dead records. New ones go in on the right, so the oldest is at the left end."""


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
    """Put a new job at the left end of READY.

    Its entry has exactly the five fields of the module docstring, `attempts` 0 and `errors` [].
    Repeated after a lost reply it may leave a second entry with the same id; step 4 makes that harmless.
    """
    job = {"id": job_id, "payload": payload, "submitted_at_s": now_s, "attempts": 0, "errors": []}
    await redis.lpush(READY, _encode(job))


# --8<-- [start:take]
async def take(redis: Redis, worker: str) -> bytes | None:
    """Move the entry at the right end of READY to the left end of the worker's processing list, and return it.

    The bytes come back as they are stored, even if they are no job at all. None, at once, when READY is empty.
    The entry is in one of the two lists at every instant. When the reply is lost, it stays in the processing list,
    where step 5 finds it.
    """
    entry: bytes | None = await redis.lmove(READY, processing(worker), "RIGHT", "LEFT")
    return entry


# --8<-- [end:take]


# --8<-- [start:acknowledge]
async def acknowledge(redis: Redis, worker: str, entry: bytes) -> bool:
    """Remove one `entry`, the same bytes, from the worker's processing list, wherever in the list it is.

    Returns True if it was there. If not (acknowledged before, or no longer this worker's), change nothing and
    return False. No other entry is touched.
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
      - `attempts` is now below `max_attempts` (1 or more): into SCHEDULED with score `now_s + delay_s`; "scheduled".
      - otherwise: onto the right end of DEAD; "dead".
      - `entry`, the same bytes, is not in this worker's processing list (failed or acknowledged before, or recovered
        by step 5, perhaps while this call was under way): change nothing; "gone".
    Leaving the one place and entering the other happen in one MULTI/EXEC, so that no reader and no crash ever finds
    the job in both or in neither. A call may be repeated at any later time, after a lost reply or for no reason: the
    job may by then be taken by somebody else, and must not appear a second time. If the reply of a call that took
    effect was lost, "gone" is a right answer.

    Step 3 adds what the new entry says, and the fate of an entry that is not a job.
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
    """List an error and what caused it, outermost first: `{"type": class name, "message": str(error)}` for each.

    The class name is `__name__`. From an error go to its `__cause__`; if that is None, to its `__context__`, unless
    `__suppress_context__` is set. An error met before, the same object, ends the list. (Some errors are equal to
    others, and some are false: an error that holds an empty list. Ask `is None`, and know an error by its `id()`.)

    >>> try:
    ...     raise TimeoutError("no answer in 2 s") from OSError("link down")
    ... except TimeoutError as error:
    ...     error_chain(error)
    [{'type': 'TimeoutError', 'message': 'no answer in 2 s'}, {'type': 'OSError', 'message': 'link down'}]
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
        UndecodableError: the entry is not UTF-8, not JSON that `json.loads` can read (nested too deep, or a number of
            5,000 digits), not an object, or lacks one of the five fields; or `id` is not a string or empty; or
            `attempts` is not an int (True and 1.0 are none) or negative; or `errors` is not a list; or `submitted_at_s`
            is not an int or float. `payload` may be anything, null included. No other error leaves.
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
    """Return the job with one more failed attempt on its record; of an entry that is no job, what can be kept."""
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

    `effect(pipe, job)` is a plain function that only queues commands on the pipeline it is given; `job` is what
    `decode` returns. Call it between `multi()` and `execute()`. It may be called again when the transaction starts
    again: only what EXEC runs counts.

    - `entry`, the same bytes, is not in this worker's processing list: change nothing; False.
    - `done_mark(id)` exists (another delivery of this job was handled): remove the entry from the processing list, as
      `acknowledge` does, and change nothing else; False.
    - otherwise the effect's commands, the mark (any value, and it never expires), and the removal of this entry are
      committed together; True.
    The same job may be delivered to two workers at the same time, and the entry may be recovered (step 5) while this
    call is under way: whatever the order, the effect is committed at most once, and never without mark and removal.
    If the reply of a call that took effect was lost, False is a right answer.

    Raises:
        UndecodableError: from `decode`; nothing was changed, and the caller hands the entry to `fail`.
        Whatever `effect` raises: unchanged, and nothing was changed in Redis.
        redis.ResponseError: Redis refused a command of the effect at EXEC. The other commands are committed, as MULTI
            is no rollback; the caller has to learn of it all the same.
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
                pipe.multi()
                if not done:
                    effect(pipe, job)
                    pipe.set(mark, "1")
                pipe.lrem(held, 1, entry)
                await pipe.execute()
            except WatchError:
                continue
            return not done


# --8<-- [end:handle-once]


# ── Step 5: recover what a dead worker held ───────────────────────────────────────────────────────────────────────────


# --8<-- [start:recover]
async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    """Move everything that `worker` held out of its processing list, by the same two exits as `fail`.

    Each entry is one failed attempt with the error `WorkerLostError(f"worker {worker} was lost")`: it is scheduled or
    buried by the rules of steps 2 and 3, as a job that kills its workers must end up dead, not circulate for ever.
    Entries that are not jobs are buried.

    Returns the number of entries that this call moved. It may be called twice, by two callers at once, and while the
    worker, which was only slow, still calls `acknowledge`, `fail` or `handle_once`: each entry is moved by one of them.
    Cut off in the middle it leaves each entry either moved or still in the processing list, for the next call. Other
    workers' lists are not touched.
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
    """Move one dead job back to the left end of READY, its history with it. True if this call moved it.

    The new entry keeps `id`, `payload`, `submitted_at_s`, `errors` and every unknown field of the record, has
    `attempts` 0 and no `dead_at_s`, and gets one more object at the end of its list `redriven` (a new list if there is
    none): `{"at_s": now_s, "dead_at_s": the record's, "attempts": the record's}`.
    Leaving DEAD and entering READY happen in one MULTI/EXEC. If no record has this id, change nothing; False. Repeated,
    or called by two at once, it never makes a second copy. Records with a null id are never moved.
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
    """Re-drive every dead job as `redrive` does, the oldest first, so that it is also the first to be taken.

    Returns how many this call moved. Records with a null id stay in DEAD, in their order. Safe as `redrive` is: two
    callers at once, lost replies, a crash half-way; jobs that die meanwhile may stay.
    """
    moved = 0
    for record in await redis.lrange(DEAD, 0, -1):
        job_id = json.loads(record)["id"]
        if job_id is not None:
            moved += await redrive(redis, job_id, now_s=now_s)
    return moved


# --8<-- [end:redrive]
