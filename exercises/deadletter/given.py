"""What the tests of deadletter put into the queue, and how they look at it.

Every test arranges the queue's keys itself and calls the function of one step only, so that a mistake in one step does
not turn the others red (step 5 may be built on step 2, and step 6 stands alone).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any

from redis.exceptions import WatchError

from exercises.deadletter.deadletter import fail
from grading import explain
from grading.checks import answer_of
from grading.faults import WATCH_ERROR_MEANS

READY, SCHEDULED, DEAD = "{orders}:ready", "{orders}:scheduled", "{orders}:dead"
W1, W2, W3 = (f"{{orders}}:processing:w{n}" for n in (1, 2, 3))


CRASHES = ("reply_lost", "cancelled")
"""Enough for a call of several commands: to the server, what never arrived is a reply lost one command earlier."""


def job_of(job_id: str, attempts: int = 0, **more: Any) -> dict[str, Any]:
    """Return a job as a dict, its fields in an unusual order."""
    earlier = [
        {"attempt": n, "at_s": 50.0 + n, "worker": "w0", "chain": [{"type": "OSError", "message": f"no. {n}"}]}
        for n in range(1, attempts + 1)
    ]
    job = {"trace": {"parent": "00-ü"}, "attempts": attempts, "payload": {"account": "account-7", "points": 5}}
    return {**job, "id": job_id, "errors": earlier, "submitted_at_s": 40.25, **more}


def entry_of(job_id: str, attempts: int = 0, **more: Any) -> bytes:
    """Return a job's entry, spaced as another language's producer may space it."""
    return json.dumps(job_of(job_id, attempts, **more), ensure_ascii=False, separators=(" ,", " : ")).encode()


def record_of(job_id: str | None, dead_at_s: float, **more: Any) -> bytes:
    """Return a dead record; with a null id that of an entry that was no job."""
    if job_id is None:
        nothing = {"id": None, "payload": None, "submitted_at_s": None, "raw_hex": b"?".hex()}
        return entry_of("x", 1, **nothing, dead_at_s=dead_at_s, **more)
    return entry_of(job_id, 3, dead_at_s=dead_at_s, **more)


def crowd(count: int) -> list[bytes]:
    """Return that many further entries of jobs, for lists that are longer than a page."""
    return [entry_of(f"other-{number}") for number in range(count)]


def name_of(entry: bytes) -> str:
    """Return what to call an entry in a message: the job's id, or the bytes of one that is no job."""
    try:
        job = json.loads(entry)
    except ValueError:
        return repr(entry)
    if not isinstance(job, dict) or not isinstance(job.get("id"), str):
        return repr(bytes.fromhex(job["raw_hex"])) if isinstance(job, dict) and "raw_hex" in job else repr(entry)
    return str(job["id"])


def shown(entry: Any) -> str:
    """Write an entry down, short where it is one of the tests' own."""
    own = isinstance(entry, bytes) and entry == entry_of(name_of(entry))
    return f"the entry of {name_of(entry)}" if own else repr(entry)


MAX_DIFFERENCES = 4


def differences(got: Any, expected: Any, path: str = "") -> list[tuple[str, str, str]]:
    """List where two JSON values differ: the path, and what each has there."""
    if isinstance(got, dict) and isinstance(expected, dict):
        found = []
        for name in dict.fromkeys([*expected, *got]):
            place = f"{path}.{name}" if path else str(name)
            if name in got and name in expected:
                found += differences(got[name], expected[name], place)
            else:
                found.append((place, *(repr(one[name]) if name in one else "not there" for one in (got, expected))))
        return found
    if isinstance(got, list) and isinstance(expected, list) and len(got) == len(expected):
        return [one for n in range(len(got)) for one in differences(got[n], expected[n], f"{path}[{n}]")]
    return [] if got == expected else [(path or "all of it", *map(abbreviated, (got, expected)))]


def abbreviated(value: Any) -> str:
    """Write a value down; of a long list, how long it is and its two ends."""
    if isinstance(value, list) and len(value) > 4:
        return f"{len(value)} of them, from {value[0]!r} to {value[-1]!r}"
    return repr(value)


def apart(got: Any, expected: Any) -> dict[str, str]:
    """Say for a message what two values have different, and leave out what they share."""
    found = differences(got, expected)
    return {
        "got": "; ".join(f"{path}: {one}" for path, one, _ in found[:MAX_DIFFERENCES]),
        "expected": "; ".join(f"{path}: {other}" for path, _, other in found[:MAX_DIFFERENCES]),
    }


async def stored(raw: Any) -> dict[str, list[bytes]]:
    """Return every place that holds entries, each as a list from its left or lowest end; empty places left out."""
    there = {key.decode() for key in await raw.keys()}
    found = {key: await raw.lrange(key, 0, -1) for key in (READY, W1, W2, W3, DEAD) if key in there}
    if SCHEDULED in there:
        found[SCHEDULED] = await raw.zrange(SCHEDULED, 0, -1)
    return found


def in_places(where: dict[str, list[bytes]]) -> str:
    """Say what each place holds, from its left or lowest end."""
    held = (f"{key} holds, from the left: {', '.join(map(shown, entries))}" for key, entries in where.items())
    return "; ".join(held) or "no place holds anything"


async def whereabouts(raw: Any) -> dict[str, list[str]]:
    """Return, for each job, the places that hold it."""
    places: dict[str, list[str]] = {}
    for key, entries in (await stored(raw)).items():
        for entry in entries:
            places.setdefault(name_of(entry), []).append(key)
    return places


def in_words(places: dict[str, list[str]], job_id: str) -> str:
    """Say where a job is."""
    held = places.get(job_id, [])
    return f"{job_id} is in " + (" and in ".join(held) if held else "no place")


def check_once(
    places: dict[str, list[str]], job_id: str, allowed: tuple[str, ...], called: str, costs: str | None = None
) -> None:
    """Assert that the job is in exactly one place, and in one of those allowed; `costs` is for a wrong place."""
    held = places.get(job_id, [])
    assert held in [[place] for place in allowed], explain(
        called=called,
        got=in_words(places, job_id),
        expected=f"{job_id} is in {' or in '.join(allowed)}{', and nowhere else' if len(held) > 1 else ''}",
        costs={0: "the job is lost: no worker will ever run it", 1: costs}.get(
            len(held), "the job is there twice: it runs, or is re-driven, twice"
        ),
    )


def check_ending(outcome: Any, trial: Any, effect: str, called: str) -> None:
    """Assert that a call which was cut off ended in a way that its caller understands."""
    assert not isinstance(outcome.error, WatchError), explain(
        called=called,
        got=f"WatchError: {outcome.error}",
        expected="start again after a WatchError (or let the ConnectionError out, before the WATCH)",
        note=WATCH_ERROR_MEANS,
        costs="the worker knows what to do when Redis is away, not what this error means, and dies of it",
    )
    if effect == "cancelled" and trial.fired:
        assert outcome.broken, explain(
            called=called,
            got=f"the call continued and returned {outcome.value!r}",
            expected="the CancelledError comes out",
            costs="a worker that is told to stop doesn't stop, and is killed in the middle of something",
        )


def check_given_back(client: Any, called: str) -> None:
    """Assert that a call has left no connection checked out of the client's pool."""
    kept = len(getattr(client.connection_pool, "_in_use_connections", ()))
    assert not kept, explain(
        called=called,
        got="it returned, and its pipeline still holds a connection (and a WATCH on it)",
        expected="the connection is back in the pool on every way out: `async with redis.pipeline() as pipe:`",
        costs="each such call uses up a connection, until none is left",
    )


async def quietly(call: Awaitable[Any], called: str) -> Any:
    """Await a call that races with others, and refuse an error that comes out of it, above all a WatchError."""
    return await answer_of(called, call, expected="an answer; what was there at one look may be gone at the next")


def ended(called: str, outcome: Any) -> str:
    """Say how a call ended that met a fault."""
    if not outcome.broken:
        return f"{called}; it returned {outcome.value!r}"
    return f"{called}; it ended with {type(outcome.error).__name__}"


def broken(call: str, trial: Any, _effect: str) -> str:
    """Say which call met which fault."""
    return f"{call}; {trial.broke}"


ERROR = RuntimeError("points service answered 503")


async def failing(client: Any, entry: bytes, worker: str = "w1", now_s: float = 1000.5, max_attempts: int = 3) -> Any:
    """Call `fail` with the tests' usual arguments."""
    return await fail(client, worker, entry, ERROR, now_s=now_s, delay_s=2.25, max_attempts=max_attempts)


def shown_fail(
    job: str = "the entry of job-1", worker: str = "w1", now_s: float = 1000.5, max_attempts: int = 3
) -> str:
    """Write that call down."""
    return f'fail("{worker}", {job}, error, now_s={now_s}, delay_s=2.25, max_attempts={max_attempts})'


class LedgerError(Exception):
    """An error that only the tests raise."""
