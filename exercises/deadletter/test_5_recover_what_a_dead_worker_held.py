"""Step 5: recover what a dead worker held."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from exercises.deadletter.deadletter import recover
from exercises.deadletter.given import (
    CRASHES,
    DEAD,
    SCHEDULED,
    W1,
    W2,
    apart,
    broken,
    check_ending,
    check_once,
    crowd,
    ended,
    entry_of,
    in_words,
    quietly,
    shown,
    stored,
    whereabouts,
)
from grading import explain, for_seeds

pytestmark = pytest.mark.step(5, "recover what a dead worker held")


async def recovering(client: Any, worker: str = "w1", now_s: float = 2000.5) -> int:
    """Call `recover` with the tests' usual arguments."""
    return await recover(client, worker, now_s=now_s, delay_s=4.25, max_attempts=3)


SHOWN_RECOVER = 'recover("w1", now_s=2000.5, delay_s=4.25, max_attempts=3)'
HELD = [entry_of("job-1"), entry_of("job-2", 2), b"\xff no job"]
HELD_NAMES = {"job-1": SCHEDULED, "job-2": DEAD, repr(b"\xff no job"): DEAD}


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
            for name, target in names.items():
                check_once(places, name, (W1, target) if outcome.broken else (target,), called)
            trial.heal()
            await recovering(trial.redis, now_s=2001.0)
            places = await whereabouts(raw)
            for name, target in names.items():
                check_once(places, name, (target,), f"{called}; then the same call again")


async def test_two_callers_recover_each_entry_once(network):
    """When a second recover runs at any point of the first, each entry is moved once, and counted once."""
    moved: list[int] = []

    async def second_caller(trial: Any) -> None:
        moved.append(await recovering(trial.raw(), now_s=2000.75))

    async for trial in network.every_point(deed=second_caller, client="redis"):
        raw = trial.raw()
        moved.clear()
        await raw.rpush(W1, *HELD[1:])
        called = f"{SHOWN_RECOVER}; meanwhile a second caller recovers w1"
        moved.append(await quietly(recovering(trial.redis), called))
        places = await whereabouts(raw)
        for name in list(HELD_NAMES)[1:]:
            check_once(places, name, (DEAD,), called, "two reapers make two jobs out of one")
        assert sum(moved) == 2, explain(
            called=called, got=f"counted {moved}", expected="2 together", costs="one lost worker raises two alarms"
        )


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
        called = f"{SHOWN_RECOVER}; meanwhile w1, which is alive, acknowledges job-1 and takes job-7"
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


# --- Corner cases ----------------------------------------------------------------------------------------------------


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


async def test_more_entries_than_a_page_are_all_recovered(redis, network):
    """recover moves everything that a worker held, also when that is many entries."""
    raw = network.raw()
    await raw.rpush(W1, *crowd(260))
    got = await recovering(redis)
    left = await raw.llen(W1)
    assert (got, left) == (260, 0), explain(
        called=f"{SHOWN_RECOVER}; w1 held 260 entries",
        got=f"it returned {got}, and {left} entries are still held by w1",
        expected="it returned 260, and 0 entries are still held by w1",
        costs="the rest stays with a worker that is gone" if left else None,
    )


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
