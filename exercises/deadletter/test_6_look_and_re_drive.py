"""Step 6: look, and re-drive."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from exercises.deadletter.deadletter import peek, redrive, redrive_all
from exercises.deadletter.given import (
    CRASHES,
    DEAD,
    READY,
    apart,
    broken,
    check_ending,
    check_given_back,
    check_once,
    ended,
    entry_of,
    job_of,
    name_of,
    quietly,
    record_of,
    stored,
    whereabouts,
)
from grading import explain, for_seeds

pytestmark = pytest.mark.step(6, "look, and re-drive", stretch=True)


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
        costs="an operator sees something else than is there",
    )
    assert await stored(raw) == {DEAD: GRAVES}, explain(
        called=called, got=await whereabouts(raw), expected="nothing changed", costs="looking at a dead letter loses it"
    )


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
        costs="a dead letter that was re-driven is still there, and will be re-driven again"
        if GRAVES[2] in where.get(DEAD, [])
        else None,
    )
    ready = [json.loads(entry) for entry in where.get(READY, [])]
    expected = [revived("job-3", 903.0, json.loads(GRAVES[2])["redriven"]), job_of("job-9")]
    assert ready == expected, explain(
        called=called,
        **beside(ready, expected),
    )
    assert [bool(one) for one in got] == [True, False, False], explain(
        called=called,
        got=got,
        expected=[True, False, False],
        costs="the operator is told that a job was moved that was not",
    )


@for_seeds(4)
async def test_calls_at_the_same_time_move_each_record_once(redis, network):
    """Several re-drives through one client at the same time move each record once."""
    raw = network.raw()
    await raw.rpush(DEAD, *GRAVES)
    called = 'redrive("job-31", …), redrive("job-3", …) and redrive_all(…) at the same time, on one client'
    got = await asyncio.gather(
        quietly(redrive(redis, "job-31", now_s=3000.5), called),
        quietly(redrive(redis, "job-3", now_s=3000.5), called),
        quietly(redrive_all(redis, now_s=3000.5), called),
    )
    places = await whereabouts(raw)
    for job_id in ("job-31", "job-3"):
        check_once(places, job_id, (READY,), called, "two requests of one page run a job twice, or fail")
    assert sum(got) == 2, explain(called=called, got=f"counted {got}", expected="2 together")


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
            allowed = (DEAD, READY) if outcome.broken else (READY,)
            called = ended(called, outcome)
            check_once(await whereabouts(raw), "job-31", allowed, called)
            trial.heal()
            await redrive(trial.redis, "job-31", now_s=3001.0)
            places = await whereabouts(raw)
            check_once(places, "job-31", (READY,), f"{called}; then the same call again")
            check_once(places, "job-3", (DEAD,), f"{called}; then the same call again")


async def test_two_operators_redrive_one_copy(network):
    """When another operator re-drives, or a further job dies, at any point of redrive, there is one copy."""
    moved: list[bool] = []

    async def second_operator(trial: Any) -> None:
        moved.append(await redrive(trial.raw(), "job-31", now_s=3000.75))
        await trial.raw().rpush(DEAD, record_of("job-5", 905.0))

    async for trial in network.every_point(deed=second_operator, client="redis"):
        raw = trial.raw()
        moved.clear()
        await raw.rpush(DEAD, *GRAVES)
        called = 'redrive("job-31", …); meanwhile a second operator re-drives it, and job-5 dies'
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
        costs="an entry that nobody can read is lost",
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
    )
    assert got == [3, 0], explain(
        called=called, got=got, expected=[3, 0], costs="the operator cannot tell what was moved"
    )


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
            for job_id in ("job-31", "job-3"):
                check_once(places, job_id, (DEAD, READY) if outcome.broken else (READY,), called)
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
                check_once(places, job_id, (READY,), f"{called}; then the same call again")


async def test_two_operators_redrive_all_once(network):
    """When a second redrive_all runs at any point of the first, each job is moved once, and counted once."""
    moved: list[int] = []

    async def second_operator(trial: Any) -> None:
        moved.append(await redrive_all(trial.raw(), now_s=3000.75))

    async for trial in network.every_point(deed=second_operator, client="redis"):
        raw = trial.raw()
        moved.clear()
        await raw.rpush(DEAD, *GRAVES)
        called = "redrive_all(…); meanwhile a second operator re-drives all"
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


# --- Corner cases ----------------------------------------------------------------------------------------------------


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


async def test_newest_of_a_thousand_records_is_shown_and_moved(redis, network):
    """peek, redrive and redrive_all see behind a thousand older records."""
    raw = network.raw()
    older = [record_of(None, 900.0 + number) for number in range(1_050)]
    behind = f"DEAD holds {len(older):,} records that are no jobs, then job-1"
    for call in ("redrive", "redrive_all"):
        await raw.delete(DEAD, READY)
        await raw.rpush(DEAD, *older, record_of("job-1", 3000.0))
        shown = await peek(redis, limit=2_000)
        assert len(shown) == 1_051, explain(
            called=f"peek(limit=2_000); {behind}, behind a thousand older records",
            got=f"{len(shown):,} records",
            expected="1,051 records",
            costs="the newest dead letters are never seen",
        )
        if call == "redrive":
            called, got = 'redrive("job-1", now_s=3000.5)', int(await redrive(redis, "job-1", now_s=3000.5))
        else:
            called, got = "redrive_all(now_s=3000.5)", await redrive_all(redis, now_s=3000.5)
        places = await whereabouts(raw)
        costs = "a job that died on a bad day cannot be re-driven"
        check_once(places, "job-1", (READY,), f"{called}; {behind}, behind a thousand older records", costs)
        assert got == 1, explain(called=f"{called}; {behind}", got=got, expected="1 job moved")


async def test_redrive_with_a_client_that_retries_moves_one_copy(network):
    """With redis-py's own retries on, and a reply lost at any point, each job is in READY once."""
    network.latency(max_s=0)
    for call in ("redrive", "redrive_all"):
        async for trial in network.every_point("reply_lost", retries=3):
            raw = trial.raw()
            await raw.rpush(DEAD, *GRAVES)
            if call == "redrive":
                await trial.attempt(redrive(trial.redis, "job-31", now_s=3000.5))
            else:
                await trial.attempt(redrive_all(trial.redis, now_s=3000.5))
            called = (
                f"{call}(…, now_s=3000.5) on a client with its retries on; the reply at point {trial.point} is lost, "
                "so redis-py repeats what it had sent"
            )
            places = await whereabouts(raw)
            for job_id in ("job-31", "job-3") if call == "redrive_all" else ("job-31",):
                copies = len(places.get(job_id, []))
                costs = "the transaction ran twice, and the job with it" if copies else "one lost reply, and a lost job"
                check_once(places, job_id, (READY,), called, costs)


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
