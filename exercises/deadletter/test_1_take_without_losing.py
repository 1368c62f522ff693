"""Step 1: take without losing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from exercises.deadletter.deadletter import acknowledge, submit, take
from exercises.deadletter.given import (
    READY,
    W1,
    W2,
    W3,
    apart,
    broken,
    check_ending,
    check_once,
    ended,
    entry_of,
    in_places,
    in_words,
    name_of,
    quietly,
    shown,
    stored,
    whereabouts,
)
from grading import explain, for_seeds
from grading.explain import difference

pytestmark = pytest.mark.step(1, "take without losing")


BLOCKING = {"BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH"}

FAULTS = ("never_arrived", "reply_lost", "cancelled")


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
        costs="without the id nothing tells two jobs with the same payload apart"
        if len(entries) == 2
        else "the shop tells its customer that the order was accepted, and it isn't in the queue",
    )
    assert ids == ["job-2", "job-1"], explain(
        called=called,
        got=f"READY holds, from the left: {', '.join(ids)}",
        expected="READY holds, from the left: job-2, job-1",
        costs="the newest job is taken first, and under load the oldest one is never taken",
    )
    assert got == expected, explain(
        called=called,
        **apart(got, expected),
        costs="the workers, in other languages too, rely on five fields with these names and values, and on no other",
    )


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
        diff=difference(list(map(shown, got)), list(map(shown, expected))),
    )
    waits = f"{', '.join(sorted(blocking))} waits for an entry" if blocking else f"None after {waited_s:g} s"
    at_once = not blocking and waited_s < 0.1
    assert at_once, explain(
        called='take("w2") while READY is empty',
        got=waits,
        expected="None at once",
        costs="a worker that is told to stop hangs in take() and keeps the connection",
    )
    where = await stored(raw)
    expected_places = {W1: [entries[1], entries[0]], W2: [entries[3], entries[2]]}
    assert where == expected_places, explain(
        called=called,
        got=in_places(where),
        expected=in_places(expected_places),
        costs="no list shows what the worker holds: when it dies, its jobs cannot be found",
    )


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
            check_once(places, "job-1", (READY, W1), called)
            check_once(places, "job-2", (READY, W1), called)  # taken by a call that started again by itself
            if not outcome.broken:
                held = await raw.lrange(W1, 0, 0)
                assert held == [outcome.value], explain(
                    called=called,
                    got=f"{shown(outcome.value)}, and the newest entry of w1's list is "
                    f"{', '.join(map(shown, held)) or 'none'}",
                    expected="the ConnectionError, or the entry that was moved",
                    costs="the worker believes that there is nothing to do while a job waits in its own list",
                )


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
        called = 'take("w1"); meanwhile w2 takes the next entry'
        got = await quietly(take(trial.redis, "w1"), called)
        expected = two if others == [one] else one
        assert got == expected, explain(
            called=called,
            got=shown(got),
            expected=shown(expected),
            diff="the entry that w2 has taken already" if got in others else None,
            costs="two workers run the same job" if got in others else None,
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
        called=called,
        got=got,
        expected=ids,
        costs="two workers run the same job" if len(got) > len(set(got)) else "a job that was there isn't taken",
    )
    places = await whereabouts(raw)
    for job_id in ids:
        check_once(places, job_id, (W1, W2, W3), called)


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
        note=None
        if any(event.command[:1] == (b"LREM",) and two in event.command for event in network.events)
        else "no LREM was sent with the bytes of the entry that acknowledge() was given",
        costs="a job that is done stays in the list, and is run again"
        if two in left.get(W1, [])
        else "another job is acknowledged before it is done: it is lost when the worker dies",
    )
    expected = [True, False, False, False]
    assert [bool(one) for one in got] == expected, explain(
        called=called, got=got, expected=expected, costs="a worker cannot tell that its job was taken from it"
    )


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
                costs="an acknowledgement that had to be repeated removed another job",
            )


# --- Corner cases ----------------------------------------------------------------------------------------------------


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
        costs="two entries with the same bytes vanish together, and one of them was never handled",
    )
