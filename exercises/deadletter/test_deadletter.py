"""Grade the exercise: behaviour under lost replies, crashes and racing callers, never the way it is written.

Every test arranges the queue's keys itself and calls the function of one step only, so that a mistake in one step does
not turn the others red (step 5 may be built on step 2, and step 6 stands alone).
"""

# ruff: noqa: TRY301 - errors are raised to see what their chain looks like

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.exceptions import ResponseError, WatchError

from exercises.deadletter.deadletter import (
    UndecodableError,
    acknowledge,
    decode,
    error_chain,
    fail,
    handle_once,
    peek,
    recover,
    redrive,
    redrive_all,
    submit,
    take,
)
from grading import explain, for_seeds

READY, SCHEDULED, DEAD = "{orders}:ready", "{orders}:scheduled", "{orders}:dead"
W1, W2, W3 = (f"{{orders}}:processing:w{n}" for n in (1, 2, 3))
POINTS = "{orders}:points:account-7"
BLOCKING = {"BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH"}
FIELDS = ["id", "payload", "submitted_at_s", "attempts", "errors"]
FAULTS = ("never_arrived", "reply_lost", "cancelled")
CRASHES = ("reply_lost", "cancelled")
"""Enough for a call of several commands: to the server, what never arrived is a reply lost one command earlier."""

step_1 = pytest.mark.step(1, "take without losing")
step_2 = pytest.mark.step(2, "fail without losing")
step_3 = pytest.mark.step(3, "the record")
step_4 = pytest.mark.step(4, "handle once")
step_5 = pytest.mark.step(5, "recover what a dead worker held")
step_6 = pytest.mark.step(6, "look, and re-drive", stretch=True)


# What the tests put into the queue, and how they look at it


def job_of(job_id: str, attempts: int = 0, **more: Any) -> dict[str, Any]:
    """Return a job as a dict, its fields in an order of its own."""
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
        "got": "; ".join(f"{path}: {one}" for path, one, _ in found),
        "expected": "; ".join(f"{path}: {other}" for path, _, other in found),
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
    return f"{job_id} is in " + (" and in ".join(held) if held else "no place at all: lost")


def check_once(places: dict[str, list[str]], job_id: str, allowed: tuple[str, ...], called: str, costs: str) -> None:
    """Assert that the job is in exactly one place, and in one of those allowed."""
    held = places.get(job_id, [])
    expected = f"{job_id} in exactly one place: {' or '.join(allowed)}"
    assert len(held) == 1, explain(called=called, got=in_words(places, job_id), expected=expected, costs=costs)
    assert held[0] in allowed, explain(called=called, got=in_words(places, job_id), expected=expected, costs=costs)


def check_ending(outcome: Any, trial: Any, effect: str, called: str) -> None:
    """Assert that a call which was cut off ended in a way that its caller understands."""
    assert not isinstance(outcome.error, WatchError), explain(
        called=called,
        got=f"WatchError: {outcome.error}",
        expected="start again after a WatchError (or let the ConnectionError out, before the WATCH)",
        costs="the worker knows what to do when Redis is away, not what this error means, and it dies of it",
    )
    if effect == "cancelled" and trial.fired:
        assert outcome.broken, explain(
            called=called,
            got=f"the call went on and returned {outcome.value!r}",
            expected="the CancelledError comes out",
            costs="a worker that is told to stop does not stop; it is killed in the end, in the middle of something",
        )


def check_given_back(client: Any, called: str) -> None:
    """Assert that a call has left no connection checked out of the client's pool."""
    kept = len(getattr(client.connection_pool, "_in_use_connections", ()))
    assert not kept, explain(
        called=called,
        got="it returned, and its pipeline still holds a connection (and a WATCH on it)",
        expected="the connection is back in the pool on every way out: `async with redis.pipeline() as pipe:`",
        costs="each such call uses up a connection, until the pool is empty and the worker can say nothing to Redis",
    )


async def quietly(call: Awaitable[Any], called: str) -> Any:
    """Await a call that races with others, and refuse an error that comes out of it, above all a WatchError."""
    try:
        return await call
    except (NotImplementedError, AssertionError):
        raise
    except WatchError as error:
        raise AssertionError(
            explain(
                called=called,
                got=f"WatchError: {error}",
                expected="somebody changed the key meanwhile: read again and start again, until it works",
                costs="a busy queue makes workers die of a race that Redis reported in good time",
            )
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever comes is told, with the call
        message = explain(
            called=called,
            got=error,
            expected="an answer: what was there at one look may be gone or changed at the next",
            costs="a busy queue makes workers die of what the others do",
        )
        raise AssertionError(message) from None


def ended(called: str, outcome: Any) -> str:
    """Say how a call ended that met a fault."""
    if not outcome.broken:
        return f"{called}; it returned {outcome.value!r}"
    return f"{called}; it ended with {type(outcome.error).__name__}"


def broken(call: str, trial: Any, effect: str) -> str:
    """Say which call met which fault."""
    what = {
        "never_arrived": "the connection broke before the command (or the awaited reply) arrived",
        "reply_lost": "the command took effect and the reply was lost",
        "cancelled": "the task was cancelled",
    }[effect]
    return f"{call}; at point {trial.point} of its talk with Redis {what}"


# Step 1


@step_1
async def test_submitted_job_waits_at_the_left_with_its_id_inside(redis, network):
    """A submitted job's entry is at the left end of READY and has exactly the five fields."""
    payload = {"account": "account-7", "points": 5, "note": "größer"}
    await submit(redis, "job-1", payload, now_s=100.5)
    await submit(redis, "job-2", payload, now_s=101.5)
    entries = await network.raw().lrange(READY, 0, -1)
    called = 'submit("job-1", payload, now_s=100.5), then submit("job-2", payload, now_s=101.5) with the same payload'
    expected = [
        {"id": job_id, "payload": payload, "submitted_at_s": at_s, "attempts": 0, "errors": []}
        for job_id, at_s in (("job-2", 101.5), ("job-1", 100.5))
    ]
    try:
        got = [json.loads(entry) for entry in entries]
    except ValueError:
        got = entries
    ids = [entry.get("id") if isinstance(entry, dict) else entry for entry in got]
    assert sorted(map(str, ids)) == ["job-1", "job-2"], explain(
        called=called,
        got=f"READY holds {got}",
        expected=f"READY holds {expected}",
        costs="without the id two jobs with one payload are one list entry twice: no acknowledgement can tell them "
        "apart, and no handler can know a second delivery",
    )
    assert ids == ["job-2", "job-1"], explain(
        called=called,
        got=f"READY holds, from the left: {', '.join(ids)}",
        expected="READY holds, from the left: job-2, job-1",
        costs="the newest job is taken first, and under load the oldest one never",
    )
    assert got == expected, explain(
        called=called,
        **apart(got, expected),
        costs="the workers, in other languages too, rely on five fields with these names and values, and on no other",
    )


@step_1
async def test_submitted_payload_is_any_json_value(redis, network):
    """A payload that is null, false, zero or empty is a payload, and arrives as it was given."""
    payloads = [None, False, 0, "", [], {}, "5 points", [1, {"a": None}]]
    for number, payload in enumerate(payloads):
        await submit(redis, f"job-{number}", payload, now_s=100)
    entries = await network.raw().lrange(READY, 0, -1)
    got = [json.loads(entry).get("payload", "no payload at all") for entry in reversed(entries)]
    assert list(map(repr, got)) == list(map(repr, payloads)), explain(
        called=f"submit for each of the payloads {payloads}",
        got=f"payloads {got}",
        expected=f"payloads {payloads}",
        costs="the handler works on something else than the producer sent",
    )


@step_1
async def test_submit_that_broke_is_never_taken_for_one_that_worked(network):
    """Wherever submit is cut off, either its caller learns of it or the job is in READY."""
    network.latency(max_s=0)
    for effect in FAULTS:
        async for trial in network.every_point(effect):
            outcome = await trial.attempt(submit(trial.redis, "job-1", {"points": 5}, now_s=100.5))
            called = broken('submit("job-1", {"points": 5}, now_s=100.5)', trial, effect)
            check_ending(outcome, trial, effect, called)
            places = await whereabouts(trial.raw())
            assert outcome.broken or READY in places.get("job-1", []), explain(
                called=ended(called, outcome),
                got=in_words(places, "job-1"),
                expected="the ConnectionError, or the job in READY (twice, if it was pushed again after a lost reply)",
                costs="the shop tells its customer that the order was accepted, and it was never in the queue",
            )


@step_1
async def test_take_moves_the_oldest_entry_and_returns_its_bytes(redis, network):
    """take moves the entry at the right end of READY to the left of the worker's list; None when READY is empty."""
    raw = network.raw()
    entries = [entry_of("job-1"), b"\xff not a job", b"", entry_of("job-4")]
    await raw.lpush(READY, *entries)
    got = [await take(redis, worker) for worker in ("w1", "w1", "w2", "w2")]
    clock = asyncio.get_running_loop()
    began_s = clock.time()
    got.append(await take(redis, "w2"))
    waited_s = clock.time() - began_s
    # The fake server answers a blocking read at once; a real one would not.
    blocking = {one.command[0].upper().decode() for one in network.recording} & BLOCKING
    expected = [*entries, None]
    called = (
        'take("w1") twice, then take("w2") three times; READY holds, from the right, job-1, bytes that are no job, '
        "the empty bytes string, job-4"
    )
    assert got == expected, explain(
        called=called,
        got=", ".join(map(shown, got)),
        expected=", ".join(map(shown, expected)),
        costs="jobs overtake each other, or a worker stops at odd bytes",
    )
    waits = f"{', '.join(sorted(blocking))} waits for an entry" if blocking else f"None after {waited_s:g} s"
    at_once = not blocking and waited_s < 0.1
    assert at_once, explain(
        called='take("w2") while READY is empty',
        got=waits,
        expected="None at once",
        costs="a worker that is told to stop sits in take, and holds on to the connection meanwhile",
    )
    where = await stored(raw)
    expected_places = {W1: [entries[1], entries[0]], W2: [entries[3], entries[2]]}
    assert where == expected_places, explain(
        called=called,
        got=in_places(where),
        expected=in_places(expected_places),
        costs="what a worker holds is on no list of its own: when it dies, nobody knows what it had",
    )


@step_1
async def test_take_broken_at_any_point_loses_nothing(network):
    """Wherever take is cut off, the entry is in READY or in the processing list, once."""
    network.latency(max_s=0)
    for effect in FAULTS:
        async for trial in network.every_point(effect):
            raw = trial.raw()
            await raw.lpush(READY, entry_of("job-1"), entry_of("job-2"))
            outcome = await trial.attempt(take(trial.redis, "w1"))
            called = broken('take("w1")', trial, effect)
            check_ending(outcome, trial, effect, called)
            places = await whereabouts(raw)
            called = ended(called, outcome)
            costs = "the job is in nobody's list when the worker dies there: it is never run, and nothing says so"
            check_once(places, "job-1", (READY, W1), called, costs)
            check_once(places, "job-2", (READY, W1), called, costs)  # taken by a call that started again by itself
            if not outcome.broken:
                held = await raw.lrange(W1, 0, 0)
                assert held == [outcome.value], explain(
                    called=called,
                    got=f"{shown(outcome.value)}, and the newest entry of w1's list is "
                    f"{', '.join(map(shown, held)) or 'none'}",
                    expected="the ConnectionError, or the entry that was moved",
                    costs="the worker believes that there is nothing to do while a job waits in its own list",
                )


@step_1
async def test_take_never_returns_what_another_worker_took(network):
    """When another worker takes the next entry at any point of the call, take returns the one after it."""
    one, two = entry_of("job-1"), entry_of("job-2")
    others: list[bytes | None] = []

    async def taken_by_w2(trial: Any) -> None:
        others.append(await trial.raw().lmove(READY, W2, "RIGHT", "LEFT"))

    async for trial in network.every_point(deed=taken_by_w2, client="redis"):
        raw = trial.raw()
        others.clear()
        await raw.lpush(READY, one, two)
        called = f'take("w1"); before point {trial.point} of its talk with Redis w2 takes the next entry'
        got = await quietly(take(trial.redis, "w1"), called)
        expected = two if others == [one] else one
        assert got == expected, explain(
            called=called,
            got=shown(got),
            expected=shown(expected),
            costs="two workers run the same job, or one that was there waits",
        )
        where = await stored(raw)
        held = {W1: [expected], **({W2: others} if others else {})}
        found = {key: entries for key, entries in where.items() if key != READY}
        assert found == held, explain(
            called=called,
            got=in_places(found),
            expected=in_places(held),
            costs="what a worker runs and what its list holds are different jobs",
        )


@step_1
@for_seeds(5)
async def test_racing_workers_never_take_the_same_entry(network):
    """Several workers that take at the same time get different entries, and all of them."""
    raw = network.raw()
    ids = [f"job-{n}" for n in range(1, 8)]
    await raw.lpush(READY, *(entry_of(job_id) for job_id in ids))
    clients = [await network.client(f"w{n}") for n in range(1, 4)]

    async def worker(n: int) -> list[bytes | None]:
        return [await quietly(take(clients[n], f"w{n + 1}"), "take, while others take") for _ in range(3)]

    taken = [entry for entries in await asyncio.gather(*map(worker, range(3))) for entry in entries if entry]
    got = sorted(name_of(entry) for entry in taken)
    called = "take, three times by each of three workers at the same time; 7 jobs are ready"
    assert got == ids, explain(
        called=called, got=got, expected=ids, costs="two workers run the same job, or one that was there is not run"
    )
    places = await whereabouts(raw)
    for job_id in ids:
        check_once(places, job_id, (W1, W2, W3), called, "a job exists twice, or not at all")


@step_1
async def test_acknowledge_removes_exactly_the_entry_that_it_is_given(redis, network):
    """acknowledge removes one entry, by its bytes, from anywhere in this worker's list, and only there."""
    raw = network.raw()
    one, two, three = (entry_of(f"job-{n}") for n in (1, 2, 3))
    await raw.rpush(W1, three, two, one)
    await raw.rpush(W2, one, two)
    got = [await acknowledge(redis, "w1", entry) for entry in (two, two, entry_of("job-3", 1), entry_of("job-9"))]
    called = (
        'acknowledge("w1", the entry of job-2) twice, then the entry of another attempt of job-3, then of job-9; '
        "w1 holds job-3, job-2, job-1, and w2 holds job-1, job-2"
    )
    left, expected_left = await stored(raw), {W1: [three, one], W2: [one, two]}
    assert left == expected_left, explain(
        called=called,
        got=in_places(left),
        expected=in_places(expected_left),
        costs="another job is acknowledged before it is done: it is lost when the worker dies; or one that is done "
        "stays, and is run again",
    )
    expected = [True, False, False, False]
    assert [bool(one) for one in got] == expected, explain(
        called=called, got=got, expected=expected, costs="a worker cannot tell that its job was taken from it"
    )


@step_1
async def test_acknowledge_removes_one_of_two_equal_entries(redis, network):
    """One acknowledgement removes one entry, even where two are the same bytes."""
    raw = network.raw()
    await raw.rpush(W1, b"no id in here", entry_of("job-1"), b"no id in here")
    await acknowledge(redis, "w1", b"no id in here")
    got = sorted((await stored(raw)).get(W1, []))
    expected = sorted([b"no id in here", entry_of("job-1")])
    assert got == expected, explain(
        called="acknowledge(\"w1\", b'no id in here'), where two entries in the list are these bytes",
        got=", ".join(map(shown, got)),
        expected=", ".join(map(shown, expected)),
        costs="two things that merely look alike vanish together, and one of them was never looked at",
    )


@step_1
async def test_acknowledge_broken_at_any_point_removes_all_or_nothing(network):
    """Wherever acknowledge is cut off, no other entry is touched, and repeating it is harmless."""
    network.latency(max_s=0)
    for effect in FAULTS:
        async for trial in network.every_point(effect):
            raw = trial.raw()
            one, two = entry_of("job-1"), entry_of("job-2")
            await raw.rpush(W1, two, one)
            outcome = await trial.attempt(acknowledge(trial.redis, "w1", two))
            called = broken('acknowledge("w1", the entry of job-2)', trial, effect)
            check_ending(outcome, trial, effect, called)
            assert outcome.broken or two not in (await stored(raw)).get(W1, []), explain(
                called=ended(called, outcome),
                got="the entry of job-2 is in w1's list still",
                expected="the ConnectionError, or the entry is removed",
                costs="a job that its worker takes for acknowledged is found in the list, and run again",
            )
            called = f"{ended(called, outcome)}; then once more"
            trial.heal()
            await acknowledge(trial.redis, "w1", two)
            got = await stored(raw)
            assert got == {W1: [one]}, explain(
                called=called,
                got=await whereabouts(raw),
                expected={"job-1": [W1]},
                costs="an acknowledgement that had to be repeated took somebody else's job with it",
            )


# Step 2

ERROR = RuntimeError("points service answered 503")


async def failing(client: Any, entry: bytes, worker: str = "w1", now_s: float = 1000.5, max_attempts: int = 3) -> Any:
    """Call `fail` with the tests' usual arguments."""
    return await fail(client, worker, entry, ERROR, now_s=now_s, delay_s=2.25, max_attempts=max_attempts)


def shown_fail(
    job: str = "the entry of job-1", worker: str = "w1", now_s: float = 1000.5, max_attempts: int = 3
) -> str:
    """Write that call down."""
    return f'fail("{worker}", {job}, error, now_s={now_s}, delay_s=2.25, max_attempts={max_attempts})'


@step_2
async def test_failed_job_is_scheduled_for_its_retry(redis, network):
    """A job with attempts left moves to SCHEDULED, due at now_s + delay_s, attempts one higher."""
    raw = network.raw()
    await raw.rpush(W1, entry_of("job-2"), entry_of("job-1"), entry_of("job-3"))
    got = await failing(redis, entry_of("job-1"))
    assert got == "scheduled", explain(
        called=shown_fail(), got=got, expected="scheduled", costs="the caller counts a retry as a death, or not at all"
    )
    places = await whereabouts(raw)
    expected = {"job-1": [SCHEDULED], "job-2": [W1], "job-3": [W1]}
    assert places == expected, explain(
        called=f"{shown_fail()}; w1 holds job-2, job-1, job-3",
        got=places,
        expected=expected,
        costs="a job is lost, runs twice, or another one was taken out in its place",
    )
    ((entry, due_s),) = await raw.zrange(SCHEDULED, 0, -1, withscores=True)
    assert due_s == 1002.75, explain(
        called=shown_fail(),
        got=f"score {due_s}",
        expected="score 1002.75 (now_s + delay_s)",
        costs="the retry comes too early and hammers a service that is down, or years too late",
    )
    job = json.loads(entry)
    assert job.get("attempts") == 1, explain(
        called=f"{shown_fail()}, on an entry with attempts 0",
        got=f"the scheduled entry has attempts {job.get('attempts')!r}",
        expected="attempts 1",
        costs="attempts are never used up: a job that cannot succeed is retried for ever",
    )
    assert job.get("payload") == job_of("job-1")["payload"], explain(
        called=shown_fail(),
        got=job.get("payload"),
        expected=job_of("job-1")["payload"],
        costs="the retry has nothing to work on",
    )


@step_2
async def test_last_attempt_buries_and_not_an_earlier_one(network):
    """A job is buried when its new attempts reach max_attempts, or are past it, and not before."""
    for attempts, max_attempts, expected in (
        (1, 3, "scheduled"),
        (2, 3, "dead"),
        (6, 3, "dead"),
        (0, 1, "dead"),
        (0, 2, "scheduled"),
    ):
        trial = await network.fresh()
        raw = trial.raw()
        await raw.rpush(W1, entry_of("job-1", attempts))
        await raw.rpush(DEAD, record_of("older", 900.0))
        got = await failing(trial.redis, entry_of("job-1", attempts), max_attempts=max_attempts)
        called = f"{shown_fail(max_attempts=max_attempts)}, on an entry with attempts {attempts}"
        costs = (
            "a job that could still succeed is given up one attempt early"
            if expected == "scheduled"
            else "a job that has used up its attempts is tried again, once too often or (when the limit was lowered "
            "meanwhile) for ever"
        )
        assert got == expected, explain(called=called, got=got, expected=expected, costs=costs)
        places = await whereabouts(raw)
        where = SCHEDULED if expected == "scheduled" else DEAD
        assert places.get("job-1") == [where], explain(
            called=called, got=in_words(places, "job-1"), expected=f"job-1 is in {where}", costs=costs
        )
        scores = [score for _, score in await raw.zrange(SCHEDULED, 0, -1, withscores=True)]
        assert scores in ([], [1002.75]), explain(
            called=called,
            got=f"score {scores[0]}",
            expected="score 1002.75 (now_s + delay_s), at whichever attempt: the caller says how long to wait",
            costs="the retry comes later than whoever reads the configuration can explain",
        )
        dead = [name_of(record) for record in await raw.lrange(DEAD, 0, -1)]
        order = ["older", "job-1"] if expected == "dead" else ["older"]
        assert dead == order, explain(
            called=f"{called}; DEAD holds one older record",
            got=dead,
            expected=order,
            costs="who looks at the oldest dead jobs first sees the newest, and trimming throws the wrong ones away",
        )
        await trial.close()


@step_2
async def test_entry_that_the_worker_does_not_hold_is_left_alone(network):
    """fail changes nothing and answers "gone" when the entry is not in this worker's list."""
    entry = entry_of("job-1")
    costs = "a worker that was only slow schedules a job that somebody else already has: it runs twice"
    for holder, key, there in (
        ("nobody", None, b""),
        ("w2", W2, entry),
        ("READY", READY, entry),
        ("w1, as its next attempt", W1, entry_of("job-1", 1)),
    ):
        for max_attempts in (3, 1):
            trial = await network.fresh()
            raw = trial.raw()
            await raw.rpush(W1, entry_of("job-2"))
            if key:
                await raw.rpush(key, there)
            before = await stored(raw)
            got = await failing(trial.redis, entry, max_attempts=max_attempts)
            called = f"{shown_fail(max_attempts=max_attempts)}, while the job is held by {holder}"
            after = await stored(raw)
            assert after == before, explain(
                called=called, got=await whereabouts(raw), expected="nothing changed", costs=costs
            )
            assert got == "gone", explain(called=called, got=got, expected="gone", costs=costs)
            check_given_back(trial.redis, called)
            await trial.close()


@step_2
async def test_late_repetition_makes_no_second_copy(network):
    """A repeated fail changes nothing, though the retry is already in another worker's hands."""
    for max_attempts in (3, 1):
        trial = await network.fresh()
        raw = trial.raw()
        entry = entry_of("job-1")
        await raw.rpush(W1, entry)
        await failing(trial.redis, entry, max_attempts=max_attempts)
        if max_attempts > 1:
            ((retry, _),) = await raw.zpopmin(SCHEDULED)
            await raw.rpush(W2, retry)
        before = await stored(raw)
        await failing(trial.redis, entry, now_s=1500.0, max_attempts=max_attempts)
        assert await stored(raw) == before, explain(
            called=f"{shown_fail(max_attempts=max_attempts)}; the retry was taken by w2 (or the job is dead); then "
            "the same call again, as a caller does who lost the reply",
            got=in_words(await whereabouts(raw), "job-1"),
            expected=f"job-1 is in {W2 if max_attempts > 1 else DEAD}, once",
            costs="each lost reply adds a copy of the job: two workers run it at the same time, or it lies among the "
            "dead twice and is re-driven twice",
        )
        await trial.close()


@step_2
async def test_fail_broken_at_any_point_loses_nothing_and_can_be_repeated(network):
    """Wherever fail is cut off, the job is in exactly one place; repeated, it ends where it should, once."""
    network.latency(max_s=0)
    for max_attempts, target, effect in (
        (3, SCHEDULED, "cancelled"),
        (3, SCHEDULED, "reply_lost"),
        (1, DEAD, "reply_lost"),
    ):
        async for trial in network.every_point(effect):
            raw = trial.raw()
            entry = entry_of("job-1")
            await raw.rpush(W1, entry_of("job-2"), entry)
            outcome = await trial.attempt(failing(trial.redis, entry, max_attempts=max_attempts))
            called = broken(shown_fail(max_attempts=max_attempts), trial, effect)
            check_ending(outcome, trial, effect, called)
            allowed = (W1, target) if outcome.broken else (target,)
            called = ended(called, outcome)
            places = await whereabouts(raw)
            costs = "a worker that dies there takes the job with it, or leaves two of it"
            if not outcome.broken and places.get("job-1") == [W1]:
                costs = "the caller, who was told that all had gone well, takes the next job; this one stays behind"
            check_once(places, "job-1", allowed, called, costs)
            trial.heal()
            await failing(trial.redis, entry, now_s=1003.0, max_attempts=max_attempts)
            places = await whereabouts(raw)
            called += "; then the same call again"
            costs = "the caller does what it can, repeats the call, and the job is lost or doubled by that"
            check_once(places, "job-1", (target,), called, costs)
            check_once(places, "job-2", (W1,), called, costs)


@step_2
async def test_fail_broken_while_the_entry_is_elsewhere_changes_nothing(network):
    """Wherever a repeated or late fail is cut off, the job is where it was, and nowhere else."""
    network.latency(max_s=0)
    for max_attempts in (3, 1):
        for effect in CRASHES:
            async for trial in network.every_point(effect):
                raw = trial.raw()
                await raw.rpush(W2, entry_of("job-1"))
                outcome = await trial.attempt(failing(trial.redis, entry_of("job-1"), max_attempts=max_attempts))
                called = broken(shown_fail(max_attempts=max_attempts), trial, effect) + "; w2 holds the entry, not w1"
                check_ending(outcome, trial, effect, called)
                costs = "a copy that is made first and taken back afterwards stays when the worker dies in between"
                check_once(await whereabouts(raw), "job-1", (W2,), called, costs)


@step_2
async def test_fail_starts_again_when_the_rest_of_the_list_changes(network):
    """When another of the worker's jobs is acknowledged at any point of the call, this one is moved all the same."""

    async def acknowledged(trial: Any) -> None:
        await trial.raw().lrem(W1, 1, entry_of("job-2"))

    async for trial in network.every_point(deed=acknowledged, client="redis"):
        raw = trial.raw()
        await raw.rpush(W1, entry_of("job-1"), entry_of("job-2"))
        called = (
            f"{shown_fail()}; before point {trial.point} of its talk with Redis another of w1's jobs is acknowledged"
        )
        got = await quietly(failing(trial.redis, entry_of("job-1")), called)
        costs = "a worker with several jobs at a time loses track of those that fail"
        check_once(await whereabouts(raw), "job-1", (SCHEDULED,), called, costs)
        assert got == "scheduled", explain(called=called, got=got, expected="scheduled", costs=costs)


@step_2
async def test_fail_loses_against_whoever_moved_the_entry_first(network):
    """When the entry leaves the worker's list at any point of the call, fail changes nothing."""
    entry = entry_of("job-1")

    for max_attempts in (3, 1):
        left: list[int] = []

        async def recovered(trial: Any, left: list[int] = left) -> None:
            raw = trial.raw()
            left.append(await raw.lrem(W1, 1, entry))
            if left[-1]:
                await raw.lpush(READY, entry)

        async for trial in network.every_point(deed=recovered, client="redis"):
            raw = trial.raw()
            left.clear()
            await raw.rpush(W1, entry)
            called = (
                f"{shown_fail(max_attempts=max_attempts)}; before point {trial.point} of its talk with Redis "
                "somebody else moves the entry back to READY"
            )
            got = await quietly(failing(trial.redis, entry, max_attempts=max_attempts), called)
            costs = "check first, act later: between the two the job went elsewhere, and now there are two of it"
            target = READY if left and left[-1] else DEAD if max_attempts == 1 else SCHEDULED
            check_once(await whereabouts(raw), "job-1", (target,), called, costs)
            expected = {READY: "gone", DEAD: "dead", SCHEDULED: "scheduled"}[target]
            assert got == expected, explain(
                called=called, got=got, expected=expected, costs="what the caller counts and logs is not what happened"
            )


@step_2
@for_seeds(4)
async def test_jobs_of_one_worker_that_fail_together_are_each_moved_once(redis, network):
    """Many fail calls of one worker at the same time, some of them for the same job, move each job once."""
    raw = network.raw()
    ids = [f"job-{n}" for n in range(1, 5)]
    await raw.rpush(W1, *(entry_of(job_id) for job_id in ids))
    called = "fail for four jobs of one worker at the same time, and for job-1 twice"
    got = await asyncio.gather(
        *(quietly(failing(redis, entry_of(job_id), max_attempts=1), called) for job_id in [*ids, "job-1"])
    )
    places = await whereabouts(raw)
    for job_id in ids:
        check_once(places, job_id, (DEAD,), called, "concurrent failures lose or double each other's jobs")
    assert sorted(got) == ["dead"] * 4 + ["gone"], explain(
        called=called,
        got=sorted(got),
        expected=["dead"] * 4 + ["gone"],
        costs="the death of one job is counted twice, or not at all",
    )


# Step 3


class LedgerError(Exception):
    """An error of the tests' own."""


def caught(deed: Callable[[], None]) -> BaseException:
    """Run a deed that raises, and return the error with the causes that Python gave it."""
    try:
        deed()
    except Exception as error:  # noqa: BLE001 - any error is what it is about
        return error
    raise AssertionError("the deed did not raise")


def raised_from() -> None:
    try:
        raise KeyError("account-7")
    except KeyError:
        try:
            raise OSError("link down")
        except OSError as error:
            raise LedgerError("no ledger") from error


def raised_while_handling() -> None:
    try:
        raise OSError("link down")
    except OSError:
        raise LedgerError("no ledger")  # noqa: B904 - the context is what it is about


def raised_from_none() -> None:
    try:
        raise OSError("link down")
    except OSError:
        raise LedgerError("no ledger") from None


def raised_from_another() -> None:
    try:
        raise OSError("link down")
    except OSError:
        raise LedgerError("no ledger") from TimeoutError("2 s")


class NoFaultsError(Exception):
    """An error that holds a list of faults, here none, and so is false."""

    def __len__(self) -> int:
        return 0


class AlikeError(Exception):
    """An error that is equal to every other of its type."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AlikeError)

    __hash__ = Exception.__hash__


class Ledger:
    class Closed(Exception):  # noqa: N818 - that it is nested is what it is about
        """An error whose class is named inside another."""


def raised_from_a_false_error() -> None:
    raise LedgerError("no ledger") from NoFaultsError("unknown")


def raised_from_an_equal_error() -> None:
    raise AlikeError("second") from AlikeError("first")


def raised_when_the_time_was_up() -> None:
    raise TimeoutError("no answer in 2 s") from asyncio.CancelledError("deadline")  # as asyncio.timeout does


def raised_with_a_long_text() -> None:
    raise LedgerError("line 1\n" + "balance " * 1_000)


def raised_by_a_nested_class() -> None:
    raise Ledger.Closed("at night")


def raised_through_thirty_layers() -> None:
    error: Exception = OSError("link down")
    for layer in range(30):
        outer = LedgerError(f"layer {layer}")
        outer.__cause__ = error
        error = outer
    raise error


class RoundError(Exception):
    """An error that notices when somebody goes round in circles, before the memory is full."""

    asked = 0

    def __str__(self) -> str:
        self.asked += 1
        assert self.asked < 50, explain(
            called="error_chain(the error that raised_in_a_circle() raises)",
            got="an endless list: it goes round and round",
            expected="the list ends at an error that is in it already",
            costs="one odd error fills a worker's memory, and every job that it was running dies with it",
        )
        return "round"


def raised_in_a_circle() -> None:
    first, second = RoundError(), OSError("link down")
    first.__cause__, second.__cause__ = second, first
    raise first


def shortened(chain: Any) -> str:
    """Write a chain down: of many links the two ends, of a long message its ends and how long it is."""
    if not isinstance(chain, list) or not all(isinstance(link, dict) for link in chain):
        return repr(chain)
    links = [
        {
            name: f"{text[:20]}…{text[-20:]} ({len(text)} characters)"
            if isinstance(text, str) and len(text) > 99
            else text
            for name, text in link.items()
        }
        for link in chain
    ]
    return abbreviated(links)


@step_3
@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        (raised_from, ["LedgerError: no ledger", "OSError: link down", "KeyError: 'account-7'"]),
        (raised_while_handling, ["LedgerError: no ledger", "OSError: link down"]),
        (raised_from_none, ["LedgerError: no ledger"]),
        (raised_from_another, ["LedgerError: no ledger", "TimeoutError: 2 s"]),
        (raised_in_a_circle, ["RoundError: round", "OSError: link down"]),
        (raised_from_a_false_error, ["LedgerError: no ledger", "NoFaultsError: unknown"]),
        (raised_from_an_equal_error, ["AlikeError: second", "AlikeError: first"]),
        (raised_when_the_time_was_up, ["TimeoutError: no answer in 2 s", "CancelledError: deadline"]),
        (raised_with_a_long_text, ["LedgerError: line 1\n" + "balance " * 1_000]),
        (raised_by_a_nested_class, ["Closed: at night"]),
        (
            raised_through_thirty_layers,
            [*(f"LedgerError: layer {layer}" for layer in reversed(range(30))), "OSError: link down"],
        ),
    ],
    ids=[
        "raise from",
        "raise in except",
        "raise from None",
        "cause before context",
        "circle",
        "cause is false",
        "cause is equal",
        "cause is a cancellation",
        "long text",
        "nested class",
        "thirty layers",
    ],
)
def test_error_chain_holds_every_cause_outermost_first(deed, expected):
    """error_chain follows __cause__, else __context__ unless suppressed, and ends at an error that it met before."""
    got = error_chain(caught(deed))
    wanted = [dict(zip(("type", "message"), link.split(": ", 1), strict=True)) for link in expected]
    shows = {"got": shortened(got), "expected": shortened(wanted)}
    assert got == wanted, explain(
        called=f"error_chain(the error that {deed.__name__}() raises)",
        **shows,
        costs="the record says that something failed, and not why: the cause was in the worker's memory and is gone",
    )


@step_3
def test_decode_returns_every_field():
    """decode returns the whole object, unknown fields and a null payload included, however it is spaced."""
    for job in (
        job_of("job-1", 2),
        job_of("job-1", payload=None),
        job_of("j", submitted_at_s=3),
        job_of("j", submitted_at_s=0),
        job_of("j", payload=0),
        job_of(" "),
    ):
        entry = json.dumps(job, ensure_ascii=False, separators=(" ,", " : ")).encode()
        try:
            got = decode(entry)
        except UndecodableError as error:
            got = error
        shows = apart(got, job) if isinstance(got, dict) else {"got": got, "expected": job}
        assert got == job, explain(
            called=f"decode({entry!r})",
            **shows,
            costs="a job from a producer in another language is buried, or loses what was sent along with it",
        )


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in job_of("job-1").items() if key != name}).encode()


def odd(**fields: Any) -> bytes:
    """Return a short entry with odd fields."""
    job = {"id": "x", "payload": 1, "submitted_at_s": 1, "attempts": 0, "errors": []}
    return json.dumps(job | fields).encode()


NO_JOBS = [
    (b"", "it is not JSON"),
    (b"job-1", "it is not JSON"),
    (b'{"id": "job-1", "payload": ', "it is not JSON"),
    (b"\xff\xfe\x00", "it is not UTF-8"),
    (b'{"id": "job-\xe9", "payload": 1, "submitted_at_s": 1, "attempts": 0, "errors": []}', "it is not UTF-8"),
    (b"null", "it is not an object"),
    (b'["id", "payload", "submitted_at_s", "attempts", "errors"]', "it is not an object"),
    (b'"id payload submitted_at_s attempts errors"', "it is not an object"),
    (b"7", "it is not an object"),
    *((without(name), f"it has no `{name}`") for name in FIELDS),
    (odd(id=""), "`id` is empty"),
    *((odd(id=value), "`id` is not a string") for value in (7, None, ["x"])),
    (odd(attempts=-1), "`attempts` is negative"),
    *((odd(attempts=value), "`attempts` is not an int") for value in (True, 1.0, "1", None)),
    *((odd(errors=value), "`errors` is not a list") for value in ({}, None, "", 0)),
    *((odd(submitted_at_s=value), "`submitted_at_s` is not an int or float") for value in ("yesterday", "1.5", None)),
    (odd().decode().encode("utf-16"), "it is not UTF-8"),
    (b"[" * 5_000, "it is nested too deep for `json.loads`"),
    (odd(payload=0).replace(b'"payload": 0', b'"payload": ' + b"9" * 5_000), "its number is too long for `json.loads`"),
]


@step_3
def test_decode_refuses_what_is_no_job():
    """decode raises UndecodableError for bytes that are no job, and no other error."""
    for entry, why in NO_JOBS:
        try:
            got: Any = decode(entry)
        except NotImplementedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever comes is compared
            got = error
        costs = (
            "a worker dies of the odd entry, the next one takes it and dies too: one bad message stops the fleet"
            if isinstance(got, Exception)
            else "what is no job reaches the handler, or the counting of attempts, and fails there without a word why"
        )
        assert isinstance(got, UndecodableError), explain(
            called=f"decode({entry!r:.160}" + (")" if len(repr(entry)) <= 160 else f"…), {len(entry):,} bytes"),
            got=got if isinstance(got, Exception) else f"{got!r:.160}",
            expected=f"UndecodableError: {why}",
            costs=costs,
        )


@step_3
async def test_record_keeps_what_was_there_and_adds_the_failure(network):
    """The new entry keeps every field and every earlier error, and gets this failure; a dead record says when."""
    error = caught(raised_from)
    for max_attempts in (4, 3):
        trial = await network.fresh()
        raw = trial.raw()
        # Re-driven once: more errors than attempts.
        extra = {"redriven": [{"at_s": 1.0}], "raw_hex": "00", "errors": job_of("job-1", 5)["errors"]}
        entry = entry_of("job-1", 2, **extra)
        await raw.rpush(W1, entry)
        await fail(trial.redis, "w1", entry, error, now_s=1000.5, delay_s=2.0, max_attempts=max_attempts)
        called = (
            f'fail("w1", entry, LedgerError from OSError, now_s=1000.5, …, max_attempts={max_attempts}), attempts 2'
        )
        chain = [
            {"type": "LedgerError", "message": "no ledger"},
            {"type": "OSError", "message": "link down"},
            {"type": "KeyError", "message": "'account-7'"},
        ]
        before = job_of("job-1", 2, **extra)
        failure = {"attempt": 3, "at_s": 1000.5, "worker": "w1", "chain": chain}
        expected = {**before, "attempts": 3, "errors": [*before["errors"], failure]}
        if max_attempts == 3:
            expected["dead_at_s"] = 1000.5
        key = DEAD if max_attempts == 3 else SCHEDULED
        entries = (await stored(raw)).get(key, [])
        got: Any = json.loads(entries[0]) if len(entries) == 1 else None
        if got is None:
            shows = {"got": in_words(await whereabouts(raw), "job-1"), "expected": f"job-1 is in {key}"}
        else:
            shows = apart(got, expected)
        assert got == expected, explain(
            called=called,
            **shows,
            costs="whoever opens the dead letter at night cannot see what was tried, when, by whom, and why it failed; "
            "what is not in the record is gone",
        )
        await trial.close()


@step_3
async def test_long_history_is_kept(network):
    """An entry that has failed a hundred times, with re-drives, keeps what is said about each of them."""
    errors = job_of("job-1", 120)["errors"]
    for max_attempts in (4, 3):
        trial = await network.fresh()
        raw = trial.raw()
        entry = entry_of("job-1", 2, errors=errors)
        await raw.rpush(W1, entry)
        await failing(trial.redis, entry, max_attempts=max_attempts)
        entries = [one for key, held in (await stored(raw)).items() if key != W1 for one in held]
        found = [json.loads(one)["errors"] for one in entries]
        got = [history[:-1] for history in found]
        assert got == [errors], explain(
            called=f"{shown_fail(max_attempts=max_attempts)}; the entry has 120 errors and attempts 2",
            got=f"the new entry has {' and '.join(str(len(history)) for history in found) or 'no'} errors",
            expected="the new entry has 121 errors: the 120 as they were, and this one",
            costs="the first failure, which says how it began, is the one that was dropped",
        )
        await trial.close()


@step_3
async def test_text_that_utf_8_cannot_hold_does_not_stop_the_record(redis, network):
    """A file name that was no UTF-8 has lone surrogates in it, and stands in an error's text all the same."""
    raw = network.raw()
    entry = entry_of("job-1")
    await raw.rpush(W1, entry)
    error = OSError("no such file: r\udce9sum\udce9.pdf")
    try:
        got: Any = await fail(redis, "w1", entry, error, now_s=1000.5, delay_s=2.0, max_attempts=1)
    except UnicodeError as raised:
        got = raised
    records = [json.loads(record) for record in (await stored(raw)).get(DEAD, [])]
    found = [record["errors"][-1]["chain"] for record in records]
    expected = [[{"type": "OSError", "message": str(error)}]]
    assert (got, found) == ("dead", expected), explain(
        called='fail("w1", entry, OSError("no such file: r\\udce9sum\\udce9.pdf"), …, max_attempts=1)',
        got=f"{got!r}, records with the chains {found!r}",
        expected=f"'dead', and one record with the chain {expected[0]!r}",
        costs="the job stays with its worker, and whoever fails or recovers it stumbles over the same text",
    )


@step_3
async def test_entry_that_is_no_job_is_buried_at_once(network):
    """fail buries an entry that decode refuses whatever max_attempts is, with its bytes, and only if it is held."""
    for entry in (b"\xff\xfe\x00", b"", b"[1, 2]", without("attempts")):
        trial = await network.fresh()
        raw = trial.raw()
        await raw.rpush(W1, entry, entry_of("job-1"), entry)
        await raw.rpush(W2, b"elsewhere")
        got = [await failing(trial.redis, entry, max_attempts=10), await failing(trial.redis, b"elsewhere")]
        called = f'fail("w1", {entry!r}, …, max_attempts=10); w1 holds this twice, and job-1'
        where = await stored(raw)
        failure = {
            "attempt": 1,
            "at_s": 1000.5,
            "worker": "w1",
            "chain": [{"type": "RuntimeError", "message": "points service answered 503"}],
        }
        expected = {
            "id": None,
            "payload": None,
            "submitted_at_s": None,
            "attempts": 1,
            "errors": [failure],
            "dead_at_s": 1000.5,
            "raw_hex": entry.hex(),
        }
        records = where.get(DEAD, [])
        assert len(records) == 1, explain(
            called=called,
            got=f"{len(records)} records in DEAD; {in_places(where)}",
            expected="one record in DEAD",
            costs="an entry that no worker can read is retried for ever, ahead of good work; or it is thrown away, "
            "and nobody can find out who sent it",
        )
        found = json.loads(records[0])
        assert found == expected, explain(
            called=called,
            **apart(found, expected),
            costs="nobody can find out who sent what no worker could read, and what it was",
        )
        assert sorted(where.get(W1, [])) == sorted([entry, entry_of("job-1")]), explain(
            called=called,
            got=f"w1 holds {', '.join(map(shown, where.get(W1, []))) or 'nothing'}",
            expected="the second of the two equal entries, and job-1, are still held",
            costs="two entries that look alike leave, one record arrives: the other is lost",
        )
        assert got == ["dead", "gone"], explain(
            called=f"{called}; then for an entry that w2 holds",
            got=got,
            expected=["dead", "gone"],
            costs="the caller waits for a retry that never comes",
        )
        await trial.close()


# Step 4


def credit(pipe: Any, job: dict[str, Any]) -> None:
    """Queue the effect that the tests use: add the job's points to an account."""
    pipe.incrby(POINTS, job["payload"]["points"])


async def ledger(raw: Any, job_id: str = "job-1") -> dict[str, Any]:
    """Return what handling a job changes: the points, the mark, and where the job is."""
    return {
        "points": int(await raw.get(POINTS) or 0),
        "done mark": bool(await raw.exists(f"{{orders}}:done:{job_id}")),
        "places": (await whereabouts(raw)).get(job_id, []),
    }


NOT_HANDLED = {"points": 0, "done mark": False, "places": [W1]}
HANDLED = {"points": 5, "done mark": True, "places": []}


@step_4
async def test_first_delivery_commits_effect_mark_and_acknowledgement(redis, network):
    """handle_once applies the effect, sets a mark that never expires, removes the entry, and answers True."""
    raw = network.raw()
    entry = entry_of("job-1", 1)
    seen: list[Any] = []

    def effect(pipe: Any, job: dict[str, Any]) -> None:
        seen.append(job)
        credit(pipe, job)

    await raw.rpush(W1, entry_of("job-2"), entry)
    got = await handle_once(redis, "w1", entry, effect)
    called = 'handle_once("w1", the entry of job-1, effect that adds 5 points); w1 holds job-2 and job-1'
    assert await ledger(raw) == HANDLED, explain(
        called=called, got=await ledger(raw), expected=HANDLED, costs="the job's work is not done, or it is run again"
    )
    kind = (await raw.type("{orders}:done:job-1")).decode()
    assert kind == "string", explain(
        called=called,
        got=f"the mark is a {kind}",
        expected="the mark is a string",
        costs="the program in another language that reads the marks with GET fails at each of these",
    )
    assert await raw.ttl("{orders}:done:job-1") == -1, explain(
        called=called,
        got=f"the mark expires after {await raw.ttl('{orders}:done:job-1')} s",
        expected="a mark that never expires",
        costs="a dead letter is re-driven after a weekend, the mark has forgotten, and the points are added again",
    )
    assert (await whereabouts(raw)).get("job-2") == [W1], explain(
        called=called, got=await whereabouts(raw), expected={"job-2": [W1]}, costs="a job that is not done is removed"
    )
    assert [got] == [True], explain(
        called=called, got=got, expected=True, costs="work that was done is counted as repeated"
    )
    assert seen, explain(
        called=called, got="effect was not called", expected="effect(pipe, job)", costs="nothing is done"
    )
    assert seen[-1] == job_of("job-1", 1), explain(
        called=called,
        **apart(seen[-1], job_of("job-1", 1)),
        costs="the handler works on something else than was sent",
    )


@step_4
async def test_second_delivery_changes_nothing(redis, network):
    """Where the done mark exists, handle_once only removes the entry, and answers False."""
    raw = network.raw()
    entry = entry_of("job-1")
    await raw.set("{orders}:done:job-1", "whatever")
    await raw.set(POINTS, 5)
    await raw.rpush(W1, entry, entry_of("job-2"))
    got = await handle_once(redis, "w1", entry, credit)
    called = 'handle_once("w1", the entry of job-1, effect that adds 5 points), and job-1 is marked done'
    assert await ledger(raw) == HANDLED, explain(
        called=called,
        got=await ledger(raw),
        expected=HANDLED,
        costs="delivery is at least once, so a second one comes: the customer gets the points twice; or the entry "
        "stays, and is delivered for ever",
    )
    mark = (await raw.get("{orders}:done:job-1"), await raw.ttl("{orders}:done:job-1"))
    assert mark == (b"whatever", -1), explain(
        called=called,
        got=f"the mark is {mark[0]!r} now" + (f", and expires after {mark[1]} s" if mark[1] != -1 else ""),
        expected="the mark is as it was: b'whatever', for ever",
        costs="who first handled the job, and wrote that into the mark, can no longer be found out",
    )
    assert (await whereabouts(raw)).get("job-2") == [W1], explain(
        called=called, got=await whereabouts(raw), expected={"job-2": [W1]}, costs="a job that is not done is removed"
    )
    assert [got] == [False], explain(
        called=called, got=got, expected=False, costs="repeated work is counted as done twice"
    )


@step_4
async def test_empty_mark_is_a_mark(redis, network):
    """The mark counts by being there: another program may have left it empty."""
    raw = network.raw()
    entry = entry_of("job-1")
    await raw.set("{orders}:done:job-1", b"")
    await raw.set(POINTS, 5)
    await raw.rpush(W1, entry)
    got = await handle_once(redis, "w1", entry, credit)
    assert (await ledger(raw), bool(got)) == (HANDLED, False), explain(
        called='handle_once("w1", the entry of job-1, effect that adds 5 points); the mark of job-1 is an empty string',
        got=f"{got!r}, {await ledger(raw)}",
        expected=f"False, {HANDLED}",
        costs="the customer gets the points twice from the jobs that the older program had handled",
    )


@step_4
async def test_entry_that_is_not_held_is_not_handled(network):
    """handle_once changes nothing and answers False when the entry is not in this worker's list."""
    for key, attempts in ((None, 0), (W2, 0), (READY, 0), (W1, 1)):
        trial = await network.fresh()
        raw = trial.raw()
        if key:
            await raw.rpush(key, entry_of("job-1", attempts))
        got = await handle_once(trial.redis, "w1", entry_of("job-1"), credit)
        expected = {"points": 0, "done mark": False, "places": [key] if key else []}
        where = f"{key} with attempts {attempts}" if key else "no list"
        called = f'handle_once("w1", the entry of job-1 with attempts 0, effect), while the job is in {where}'
        assert await ledger(raw) == expected, explain(
            called=called,
            got=await ledger(raw),
            expected=expected,
            costs="a worker that was given up, and whose job is scheduled again, still commits: the job is done and "
            "due at the same time",
        )
        assert [got] == [False], explain(
            called=called, got=got, expected=False, costs="work is counted that was not done"
        )
        check_given_back(trial.redis, called)
        await trial.close()


@step_4
async def test_effect_that_raises_changes_nothing(redis, network):
    """An error from the effect comes out unchanged, nothing is committed, and the job can be handled again."""
    raw = network.raw()
    entry = entry_of("job-1")
    error = LedgerError("account is closed")

    def effect(pipe: Any, job: dict[str, Any]) -> None:
        credit(pipe, job)
        raise error

    await raw.rpush(W1, entry)
    try:
        got: Any = await handle_once(redis, "w1", entry, effect)
    except LedgerError as raised:
        got = raised
    called = 'handle_once("w1", the entry of job-1, effect that queues a command and raises LedgerError)'
    assert got is error, explain(
        called=called, got=got, expected="the same LedgerError", costs="the caller cannot tell that it must call fail"
    )
    assert await ledger(raw) == NOT_HANDLED, explain(
        called=called,
        got=await ledger(raw),
        expected=NOT_HANDLED,
        costs="half of the work is committed, and then retried",
    )
    check_given_back(redis, called)
    await handle_once(redis, "w1", entry, credit)
    assert await ledger(raw) == HANDLED, explain(
        called=f"{called}; then with an effect that works",
        got=await ledger(raw),
        expected=HANDLED,
        costs="after one handler's error nothing works on this connection any more",
    )


@step_4
async def test_effect_that_redis_refuses_is_told(redis, network):
    """When Redis refuses a command of the effect in EXEC, its error comes out; the other commands stay committed."""
    raw = network.raw()
    entry = entry_of("job-1")
    await raw.rpush(POINTS, "a list by mistake")
    await raw.rpush(W1, entry)
    try:
        got: Any = await handle_once(redis, "w1", entry, credit)
    except ResponseError as error:
        got = error
    assert isinstance(got, ResponseError), explain(
        called='handle_once("w1", the entry of job-1, effect that adds 5 points); the key of the points holds a list',
        got=f"it returned {got!r}",
        expected="the ResponseError (WRONGTYPE) of the effect's INCRBY",
        costs="the work is counted as done, nothing of it was done, and no log line says so",
    )


@step_4
async def test_entry_that_is_no_job_is_refused_and_stays(redis, network):
    """handle_once raises UndecodableError for an entry that is no job and changes nothing."""
    raw = network.raw()
    await raw.rpush(W1, b"\xff no job", entry_of("job-1"))
    try:
        got: Any = await handle_once(redis, "w1", b"\xff no job", credit)
    except UndecodableError as error:
        got = error
    called = 'handle_once("w1", bytes that are no job, effect)'
    assert isinstance(got, UndecodableError), explain(
        called=called, got=got, expected="UndecodableError", costs="the entry is dropped, and nobody learns of it"
    )
    left = (await stored(raw)).get(W1)
    assert left == [b"\xff no job", entry_of("job-1")], explain(
        called=called,
        got=f"w1 holds {', '.join(map(shown, left or [])) or 'nothing'}",
        expected="both entries where they were",
        costs="the entry is lost before it is buried",
    )


@step_4
async def test_handle_once_broken_at_any_point_commits_all_or_nothing(network):
    """Wherever handle_once is cut off, effect, mark and removal are all there or none; repeated, it is done once."""
    network.latency(max_s=0)
    for effect in CRASHES:
        async for trial in network.every_point(effect):
            raw = trial.raw()
            entry = entry_of("job-1")
            await raw.rpush(W1, entry)
            outcome = await trial.attempt(handle_once(trial.redis, "w1", entry, credit))
            called = broken('handle_once("w1", the entry of job-1, effect that adds 5 points)', trial, effect)
            check_ending(outcome, trial, effect, called)
            got = await ledger(raw)
            allowed = [NOT_HANDLED, HANDLED] if outcome.broken else [HANDLED]
            costs = (
                "the worker takes the job for handled, and it is not"
                if not outcome.broken and got == NOT_HANDLED
                else "a crash between the parts leaves work that is done and not marked (it is done again), or marked "
                "and not done (it never is)"
            )
            called = ended(called, outcome)
            assert got in allowed, explain(called=called, got=got, expected=" or ".join(map(str, allowed)), costs=costs)
            trial.heal()
            if got == HANDLED:
                await raw.rpush(W1, entry)  # the second delivery, after the reply was lost
            await handle_once(trial.redis, "w1", entry, credit)
            got = await ledger(raw)
            assert got == HANDLED, explain(
                called=f"{called}; then the job is delivered again",
                got=got,
                expected=HANDLED,
                costs="a lost reply is an everyday thing, and each one adds the points once more",
            )


@step_4
async def test_job_delivered_to_two_workers_takes_effect_once(network):
    """When another worker handles the same job at any point of the call, the effect is committed once."""
    entry = entry_of("job-1")
    answers: list[bool] = []

    async def second_delivery(trial: Any) -> None:
        answers.append(await handle_once(trial.raw(), "w2", entry, credit))

    async for trial in network.every_point(deed=second_delivery, client="redis"):
        raw = trial.raw()
        answers.clear()
        await raw.rpush(W1, entry)
        await raw.rpush(W2, entry)
        called = (
            'handle_once("w1", the entry of job-1, effect that adds 5 points); before point '
            f"{trial.point} of its talk with Redis w2, which holds the same job, handles it"
        )
        answers.append(await quietly(handle_once(trial.redis, "w1", entry, credit), called))
        if len(answers) == 1:
            answers.append(await handle_once(raw, "w2", entry, credit))
        got = await ledger(raw)
        assert got == HANDLED, explain(
            called=called,
            got=got,
            expected=HANDLED,
            costs="both looked for the mark before either had set it, and both added the points",
        )
        assert sorted(answers) == [False, True], explain(
            called=called, got=answers, expected="one True, one False", costs="one job is counted as two, or as none"
        )


@step_4
async def test_handle_once_starts_again_when_the_rest_of_the_list_changes(network):
    """When another of the worker's jobs is acknowledged at any point of the call, this one is done all the same."""

    async def acknowledged(trial: Any) -> None:
        await trial.raw().lrem(W1, 1, entry_of("job-2"))

    async for trial in network.every_point(deed=acknowledged, client="redis"):
        raw = trial.raw()
        await raw.rpush(W1, entry_of("job-1"), entry_of("job-2"))
        called = (
            'handle_once("w1", the entry of job-1, effect that adds 5 points); before point '
            f"{trial.point} of its talk with Redis another of w1's jobs is acknowledged"
        )
        got = await quietly(handle_once(trial.redis, "w1", entry_of("job-1"), credit), called)
        costs = "a worker with several jobs at a time leaves some of them undone"
        assert await ledger(raw) == HANDLED, explain(
            called=called, got=await ledger(raw), expected=HANDLED, costs=costs
        )
        assert [got] == [True], explain(called=called, got=got, expected=True, costs=costs)


@step_4
async def test_recovered_job_is_not_committed_by_its_late_worker(network):
    """When the entry leaves the worker's list at any point of the call, nothing is committed."""
    entry = entry_of("job-1")
    left: list[int] = []

    async def recovered(trial: Any) -> None:
        raw = trial.raw()
        left.append(await raw.lrem(W1, 1, entry))
        if left[-1]:
            await raw.zadd(SCHEDULED, {entry: 5.0})

    async for trial in network.every_point(deed=recovered, client="redis"):
        raw = trial.raw()
        left.clear()
        await raw.rpush(W1, entry)
        called = (
            'handle_once("w1", the entry of job-1, effect that adds 5 points); before point '
            f"{trial.point} of its talk with Redis the entry is recovered to SCHEDULED"
        )
        got = await quietly(handle_once(trial.redis, "w1", entry, credit), called)
        lost = bool(left and left[-1])
        expected = {"points": 0, "done mark": False, "places": [SCHEDULED]} if lost else HANDLED
        assert await ledger(raw) == expected, explain(
            called=called,
            got=await ledger(raw),
            expected=expected,
            costs="the job is done by a worker that had lost it, and is due again all the same",
        )
        assert [got] == [not lost], explain(
            called=called, got=got, expected=not lost, costs="what the caller counts is not what happened"
        )


@step_4
@for_seeds(4)
async def test_jobs_handled_together_are_each_done_once(redis, network):
    """Several jobs of one worker, one of them delivered to a second worker too, are each done once."""
    raw = network.raw()
    other = await network.client("w2")
    ids = [f"job-{n}" for n in range(1, 5)]
    await raw.rpush(W1, *(entry_of(job_id) for job_id in ids))
    await raw.rpush(W2, entry_of("job-1"), entry_of("job-2"))
    called = "handle_once for four jobs of w1 at the same time, and for two of them by w2"
    calls = [handle_once(redis, "w1", entry_of(job_id), credit) for job_id in ids]
    calls += [handle_once(other, "w2", entry_of(job_id), credit) for job_id in ("job-1", "job-2")]
    got = await asyncio.gather(*(quietly(call, called) for call in calls))
    summary = {"points": int(await raw.get(POINTS) or 0), "left": await whereabouts(raw), "True": sum(got)}
    expected = {"points": 20, "left": {}, "True": 4}
    assert summary == expected, explain(
        called=called, got=summary, expected=expected, costs="under load some jobs are done twice, or not at all"
    )


# Step 5


async def recovering(client: Any, worker: str = "w1", now_s: float = 2000.5) -> int:
    """Call `recover` with the tests' usual arguments."""
    return await recover(client, worker, now_s=now_s, delay_s=4.25, max_attempts=3)


SHOWN_RECOVER = 'recover("w1", now_s=2000.5, delay_s=4.25, max_attempts=3)'
HELD = [entry_of("job-1"), entry_of("job-2", 2), b"\xff no job"]
HELD_NAMES = {"job-1": SCHEDULED, "job-2": DEAD, repr(b"\xff no job"): DEAD}


@step_5
async def test_everything_that_the_worker_held_leaves_by_the_two_exits(redis, network):
    """recover schedules what has attempts left, buries the rest, and touches no other worker's list."""
    raw = network.raw()
    await raw.rpush(W1, *HELD)
    await raw.rpush(W2, entry_of("job-9"))
    got = [await recovering(redis), await recovering(redis)]
    called = f"{SHOWN_RECOVER} twice; w1 held job-1, job-2 (attempts 2) and bytes that are no job, w2 holds job-9"
    places = await whereabouts(raw)
    expected = {**{name: [key] for name, key in HELD_NAMES.items()}, "job-9": [W2]}
    assert places == expected, explain(
        called=called,
        got=places,
        expected=expected,
        costs="what a dead worker held stays where nobody looks; or a job that kills its workers circulates for ever; "
        "or a healthy worker's jobs are taken from it",
    )
    assert got == [3, 0], explain(
        called=called, got=got, expected=[3, 0], costs="the alarm on lost workers counts wrongly"
    )
    ((entry, due_s),) = await raw.zrange(SCHEDULED, 0, -1, withscores=True)
    assert due_s == 2004.75, explain(
        called=called, got=f"score {due_s}", expected="score 2004.75", costs="the recovered job runs at the wrong time"
    )
    chain = [{"type": "WorkerLostError", "message": "worker w1 was lost"}]
    wanted = {
        "id": "job-1",
        "attempts": 1,
        "errors": [{"attempt": 1, "at_s": 2000.5, "worker": "w1", "chain": chain}],
    }
    job = json.loads(entry)
    found = {name: job.get(name) for name in wanted}
    assert found == wanted, explain(
        called=called,
        **apart(found, wanted),
        costs="nothing says that the job was there when a worker died, and its attempts never run out",
    )


@step_5
async def test_equal_entries_are_each_recovered(redis, network):
    """Two entries with the same bytes are two: both leave the list, and both have a record; so does an empty one."""
    raw = network.raw()
    await raw.rpush(W1, b"\xff no job", entry_of("job-1"), b"", b"\xff no job")
    got = await recovering(redis)
    called = f"{SHOWN_RECOVER}; w1 held twice the same bytes that are no job, the empty bytes string, and job-1"
    where = await stored(raw)
    found = (got, where.get(W1, []), len(where.get(DEAD, [])), len(where.get(SCHEDULED, [])))
    assert found == (4, [], 3, 1), explain(
        called=called,
        got=f"{found[0]} moved; w1 holds {', '.join(map(shown, found[1])) or 'nothing'}; {found[2]} in DEAD, "
        f"{found[3]} in SCHEDULED",
        expected="4 moved; w1 holds nothing; 3 in DEAD, 1 in SCHEDULED",
        costs="an odd entry, or one of two that look alike, stays with a worker that is gone",
    )


@step_5
async def test_recover_of_nothing_moves_nothing(redis, network):
    """recover answers 0 and changes nothing when the worker holds nothing."""
    raw = network.raw()
    await raw.rpush(W2, entry_of("job-9"))
    got = await recovering(redis)
    assert got == 0, explain(
        called=SHOWN_RECOVER, got=got, expected=0, costs="a sweep over healthy workers raises alarms"
    )
    places = await whereabouts(raw)
    assert places == {"job-9": [W2]}, explain(
        called=SHOWN_RECOVER, got=places, expected={"job-9": [W2]}, costs="a healthy worker loses what it is running"
    )


@step_5
async def test_recover_broken_at_any_point_loses_nothing_and_can_be_repeated(network):
    """Wherever recover is cut off, each entry is still held or moved, once; repeated, all are moved."""
    network.latency(max_s=0)
    names = dict(list(HELD_NAMES.items())[1:])
    for effect in CRASHES:
        async for trial in network.every_point(effect):
            raw = trial.raw()
            await raw.rpush(W1, *HELD[1:])
            outcome = await trial.attempt(recovering(trial.redis))
            called = broken(SHOWN_RECOVER, trial, effect)
            check_ending(outcome, trial, effect, called)
            places = await whereabouts(raw)
            called = ended(called, outcome)
            costs = "the reaper dies as workers do, and what it was moving is lost or doubled"
            for name, target in names.items():
                check_once(places, name, (W1, target) if outcome.broken else (target,), called, costs)
            trial.heal()
            await recovering(trial.redis, now_s=2001.0)
            places = await whereabouts(raw)
            for name, target in names.items():
                check_once(places, name, (target,), f"{called}; then the same call again", costs)


@step_5
async def test_two_callers_recover_each_entry_once(network):
    """When a second recover runs at any point of the first, each entry is moved once, and counted once."""
    moved: list[int] = []

    async def second_caller(trial: Any) -> None:
        moved.append(await recovering(trial.raw(), now_s=2000.75))

    async for trial in network.every_point(deed=second_caller, client="redis"):
        raw = trial.raw()
        moved.clear()
        await raw.rpush(W1, *HELD[1:])
        called = f"{SHOWN_RECOVER}; before point {trial.point} of its talk with Redis a second caller recovers w1"
        moved.append(await quietly(recovering(trial.redis), called))
        places = await whereabouts(raw)
        for name in list(HELD_NAMES)[1:]:
            check_once(places, name, (DEAD,), called, "two reapers make two jobs out of one")
        assert sum(moved) == 2, explain(
            called=called, got=f"counted {moved}", expected="2 together", costs="one lost worker raises two alarms"
        )


@step_5
async def test_slow_worker_and_recover_share_no_job(network):
    """When the worker acknowledges one entry and takes another at any point of recover, neither is lost or doubled."""
    left: list[int] = []

    async def goes_on(trial: Any) -> None:
        left.append(await trial.raw().lrem(W1, 1, HELD[0]))
        await trial.raw().lpush(W1, entry_of("job-7"))

    async for trial in network.every_point(deed=goes_on, client="redis"):
        raw = trial.raw()
        left.clear()
        await raw.rpush(W1, HELD[1], HELD[0])
        called = (
            f"{SHOWN_RECOVER}; before point {trial.point} of its talk with Redis w1, which is alive, acknowledges "
            "job-1 and takes job-7"
        )
        await quietly(recovering(trial.redis), called)
        places = await whereabouts(raw)
        done = bool(left and left[-1])
        expected = [] if done else [SCHEDULED]
        assert places.get("job-1", []) == expected, explain(
            called=called,
            got=in_words(places, "job-1"),
            expected="job-1 is nowhere: it is done" if done else f"job-1 is in {SCHEDULED}",
            costs="a job that is done is run again because its worker was thought dead",
        )
        if trial.fired:
            costs = "a job that came into the list after it was read is deleted with the list: lost"
            check_once(places, "job-7", (W1, SCHEDULED), called, costs)
        check_once(places, "job-2", (DEAD,), called, "one race makes recover forget the worker's other jobs")


@step_5
@for_seeds(4)
async def test_racing_recoveries_and_failures_move_each_job_once(redis, network):
    """Two recover calls at the same time, under many schedules, move each entry once."""
    raw = network.raw()
    other = await network.client("other")
    await raw.rpush(W1, *HELD, entry_of("job-4"))
    called = f"{SHOWN_RECOVER} by two callers at the same time"
    got = await asyncio.gather(quietly(recovering(redis), called), quietly(recovering(other), called))
    places = await whereabouts(raw)
    for name, target in {**HELD_NAMES, "job-4": SCHEDULED}.items():
        check_once(places, name, (target,), called, "two reapers make two jobs out of one")
    assert sum(got) == 4, explain(
        called=called, got=f"counted {got}", expected="4 together", costs="one lost worker raises two alarms"
    )


# Step 6

GRAVES = [
    record_of("job-31", 901.0, trace={"parent": "job-3"}),
    record_of(None, 902.0),
    record_of("job-3", 903.0, redriven=[{"at_s": 800.0, "dead_at_s": 700.0, "attempts": 3}]),
]


def revived(job_id: str, dead_at_s: float, earlier: list[Any]) -> dict[str, Any]:
    """Return the job that a record of the tests becomes when it is re-driven at 3000.5."""
    more = {"trace": {"parent": "job-3"}} if job_id == "job-31" else {}
    return {
        **job_of(job_id, 3, **more),
        "attempts": 0,
        "redriven": [*earlier, {"at_s": 3000.5, "dead_at_s": dead_at_s, "attempts": 3}],
    }


def beside(ready: list[Any], expected: list[Any]) -> dict[str, str]:
    """Say how READY differs: in which jobs it holds, or, with the right ones, in what these say."""
    ids = [[str(job.get("id")) for job in jobs] for jobs in (ready, expected)]
    if ids[0] == ids[1]:
        return apart(*({job["id"]: job for job in jobs} for jobs in (ready, expected)))
    held = (f"READY holds, from the left: {', '.join(one) or 'nothing'}" for one in ids)
    return dict(zip(("got", "expected"), held, strict=True))


@step_6
async def test_peek_shows_the_oldest_and_changes_nothing(redis, network):
    """peek returns the oldest records first, no more than asked for, and leaves everything in place."""
    raw = network.raw()
    got = [await peek(redis, limit=5)]
    await raw.rpush(DEAD, *GRAVES)
    got += [await peek(redis, limit=2), await peek(redis, limit=1), await peek(redis, limit=5)]
    records = [json.loads(record) for record in GRAVES]
    expected = [[], records[:2], records[:1], records]
    called = "peek(limit=5) on an empty DEAD; then, with three records, peek with limit 2, 1 and 5"
    ids = [
        [[record.get("id") for record in answer if isinstance(record, dict)] for answer in both]
        for both in (got, expected)
    ]
    shows = apart(got, expected) if ids[0] == ids[1] else dict(zip(("got", "expected"), map(str, ids), strict=True))
    assert got == expected, explain(
        called=called,
        **shows,
        costs="who looks at the dead letters sees something else than is there",
    )
    assert await stored(raw) == {DEAD: GRAVES}, explain(
        called=called, got=await whereabouts(raw), expected="nothing changed", costs="looking at a dead letter loses it"
    )


@step_6
async def test_redrive_moves_one_record_with_its_history(redis, network):
    """redrive puts the job at the left end of READY, attempts 0, errors kept, and says where it came from."""
    raw = network.raw()
    await raw.rpush(DEAD, *GRAVES)
    await raw.lpush(READY, entry_of("job-9"))
    got = [await redrive(redis, job_id, now_s=3000.5) for job_id in ("job-3", "job-3", "no such job")]
    called = 'redrive("job-3", now_s=3000.5) twice, then redrive("no such job", …); job-9 is ready'
    check_given_back(redis, called)
    where = await stored(raw)
    assert where.get(DEAD) == GRAVES[:2], explain(
        called=called,
        got=[name_of(record) for record in where.get(DEAD, [])],
        expected=["job-31", repr(b"?")],
        costs="a dead letter that was re-driven is still there and will be re-driven again; or another one is gone",
    )
    ready = [json.loads(entry) for entry in where.get(READY, [])]
    expected = [revived("job-3", 903.0, json.loads(GRAVES[2])["redriven"]), job_of("job-9")]
    assert ready == expected, explain(
        called=called,
        **beside(ready, expected),
        costs="the job overtakes the others, is buried again at its first failure, or nobody can see that it was dead",
    )
    assert [bool(one) for one in got] == [True, False, False], explain(
        called=called,
        got=got,
        expected=[True, False, False],
        costs="the operator is told that a job was moved that was not",
    )


@step_6
async def test_redrive_notes_the_attempts_of_this_life(redis, network):
    """A record that was re-driven before has more errors than attempts; both stay what they are."""
    raw = network.raw()
    errors = job_of("job-3", 5)["errors"]
    await raw.rpush(DEAD, record_of("job-3", 903.0, errors=errors))
    await redrive(redis, "job-3", now_s=3000.5)
    jobs = [json.loads(entry) for entry in (await stored(raw)).get(READY, [])]
    got = [(job.get("attempts"), job.get("redriven"), job.get("errors")) for job in jobs]
    expected = [(0, [{"at_s": 3000.5, "dead_at_s": 903.0, "attempts": 3}], errors)]
    assert got == expected, explain(
        called='redrive("job-3", now_s=3000.5), of a record with attempts 3 and five errors',
        got=f"(attempts, redriven, errors) of what is ready: {got}",
        expected=expected,
        costs="nobody can see how often the job was tried after it had been repaired the first time",
    )


@step_6
async def test_redrive_all_moves_every_record_of_many(redis, network):
    """A hundred and five records, two of them with one id: each is moved, the oldest first."""
    raw = network.raw()
    names = [*(f"job-{number}" for number in range(105)), "job-7"]
    await raw.rpush(DEAD, *(record_of(name, 900.0 + number) for number, name in enumerate(names)))
    got = await redrive_all(redis, now_s=3000.5)
    where = await stored(raw)
    ready = [name_of(entry) for entry in reversed(where.get(READY, []))]
    called = "redrive_all(now_s=3000.5); DEAD holds job-0 to job-104 and a second record of job-7"
    assert (got, len(where.get(DEAD, []))) == (106, 0), explain(
        called=called,
        got=f"{got} moved, {len(where.get(DEAD, []))} still dead",
        expected="106 moved, none still dead",
        costs="after the repair a part of the jobs stays dead, and nobody looks again",
    )
    assert ready == names, explain(
        called=called,
        got=f"next to run: {ready[:9]} …",
        expected=f"next to run: {names[:9]} …",
        costs="jobs that waited longest wait again",
    )


@step_6
async def test_redrive_broken_at_any_point_makes_no_second_copy(network):
    """Wherever redrive is cut off, the job is in DEAD or in READY, once; repeated, it is in READY, once."""
    network.latency(max_s=0)
    for effect in CRASHES:
        async for trial in network.every_point(effect):
            raw = trial.raw()
            await raw.rpush(DEAD, *GRAVES)
            outcome = await trial.attempt(redrive(trial.redis, "job-31", now_s=3000.5))
            called = broken('redrive("job-31", now_s=3000.5)', trial, effect)
            check_ending(outcome, trial, effect, called)
            costs = "an operator whose connection broke has lost a dead letter, or runs it twice"
            allowed = (DEAD, READY) if outcome.broken else (READY,)
            called = ended(called, outcome)
            check_once(await whereabouts(raw), "job-31", allowed, called, costs)
            trial.heal()
            await redrive(trial.redis, "job-31", now_s=3001.0)
            places = await whereabouts(raw)
            check_once(places, "job-31", (READY,), f"{called}; then the same call again", costs)
            check_once(places, "job-3", (DEAD,), f"{called}; then the same call again", costs)


@step_6
async def test_two_operators_redrive_one_copy(network):
    """When somebody else re-drives, or a further job dies, at any point of redrive, there is one copy."""
    moved: list[bool] = []

    async def second_operator(trial: Any) -> None:
        moved.append(await redrive(trial.raw(), "job-31", now_s=3000.75))
        await trial.raw().rpush(DEAD, record_of("job-5", 905.0))

    async for trial in network.every_point(deed=second_operator, client="redis"):
        raw = trial.raw()
        moved.clear()
        await raw.rpush(DEAD, *GRAVES)
        called = (
            f'redrive("job-31", …); before point {trial.point} of its talk with Redis a second operator re-drives it, '
            "and job-5 dies"
        )
        moved.append(await quietly(redrive(trial.redis, "job-31", now_s=3000.5), called))
        places = await whereabouts(raw)
        costs = "two operators press the button at the same time, and the job runs twice"
        check_once(places, "job-31", (READY,), called, costs)
        check_once(places, "job-3", (DEAD,), called, costs)
        if trial.fired:
            check_once(places, "job-5", (DEAD,), called, "a job that dies during a re-drive is lost")
        assert sum(moved) == 1, explain(
            called=called, got=moved, expected="one True", costs="one job is reported as two"
        )


@step_6
async def test_redrive_all_moves_the_oldest_first_and_leaves_what_is_no_job(redis, network):
    """redrive_all re-drives every job, the oldest taken first, and leaves records with a null id in DEAD."""
    raw = network.raw()
    await raw.rpush(DEAD, *GRAVES, record_of(None, 904.0), record_of("job-5", 905.0))
    await raw.lpush(READY, entry_of("job-9"))
    got = [await redrive_all(redis, now_s=3000.5), await redrive_all(redis, now_s=3000.5)]
    called = "redrive_all(now_s=3000.5) twice; DEAD holds job-31, no job, job-3, no job, job-5; job-9 is ready"
    where = await stored(raw)
    assert where.get(DEAD) == [GRAVES[1], record_of(None, 904.0)], explain(
        called=called,
        got=[name_of(record) for record in where.get(DEAD, [])],
        expected="the two records that are no jobs, as they were",
        costs="an entry that nobody can read goes round again, or is lost",
    )
    ready = [json.loads(entry) for entry in where.get(READY, [])]
    earlier = json.loads(GRAVES[2])["redriven"]
    expected = [
        revived("job-5", 905.0, []),
        revived("job-3", 903.0, earlier),
        revived("job-31", 901.0, []),
        job_of("job-9"),
    ]
    assert ready == expected, explain(
        called=called,
        **beside(ready, expected),
        costs="jobs that waited longest wait again, or come back without their history",
    )
    assert got == [3, 0], explain(
        called=called, got=got, expected=[3, 0], costs="the operator cannot tell what was moved"
    )


@step_6
async def test_redrive_all_broken_at_any_point_makes_no_second_copy(network):
    """Wherever redrive_all is cut off, each job is in DEAD or in READY, once; repeated, all are in READY."""
    network.latency(max_s=0)
    for effect in CRASHES:
        async for trial in network.every_point(effect):
            raw = trial.raw()
            await raw.rpush(DEAD, *GRAVES, record_of(None, 904.0))
            outcome = await trial.attempt(redrive_all(trial.redis, now_s=3000.5))
            called = broken("redrive_all(now_s=3000.5); DEAD holds job-31, no job, job-3, no job", trial, effect)
            check_ending(outcome, trial, effect, called)
            places = await whereabouts(raw)
            called = ended(called, outcome)
            costs = "an operator whose connection broke has lost dead letters, or runs them twice"
            for job_id in ("job-31", "job-3"):
                check_once(places, job_id, (DEAD, READY) if outcome.broken else (READY,), called, costs)
            odd_ones = [json.loads(one) for one in await raw.lrange(DEAD, 0, -1)]
            died_s = [one["dead_at_s"] for one in odd_ones if one["id"] is None]
            assert died_s == [902.0, 904.0], explain(
                called=called,
                got=f"DEAD holds the records without a job that died at {died_s}",
                expected="DEAD holds the records without a job that died at [902.0, 904.0], in this order",
                costs="an operator whose connection broke has lost what nobody could read, or its order",
            )
            trial.heal()
            await redrive_all(trial.redis, now_s=3001.0)
            places = await whereabouts(raw)
            for job_id in ("job-31", "job-3"):
                check_once(places, job_id, (READY,), f"{called}; then the same call again", costs)


@step_6
async def test_two_operators_redrive_all_once(network):
    """When a second redrive_all runs at any point of the first, each job is moved once, and counted once."""
    moved: list[int] = []

    async def second_operator(trial: Any) -> None:
        moved.append(await redrive_all(trial.raw(), now_s=3000.75))

    async for trial in network.every_point(deed=second_operator, client="redis"):
        raw = trial.raw()
        moved.clear()
        await raw.rpush(DEAD, *GRAVES)
        called = f"redrive_all(…); before point {trial.point} of its talk with Redis a second operator re-drives all"
        moved.append(await quietly(redrive_all(trial.redis, now_s=3000.5), called))
        places = await whereabouts(raw)
        costs = "two operators press the button at the same time, and every dead job runs twice"
        check_once(places, "job-31", (READY,), called, costs)
        check_once(places, "job-3", (READY,), called, costs)
        check_once(places, repr(b"?"), (DEAD,), called, costs)
        assert sum(moved) == 2, explain(
            called=called,
            got=f"counted {moved}",
            expected="2 together",
            costs="the numbers that two operators see disagree",
        )
