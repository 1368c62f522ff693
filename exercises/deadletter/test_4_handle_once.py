"""Step 4: handle once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.exceptions import ResponseError, WatchError

from exercises.deadletter.deadletter import UndecodableError, handle_once
from exercises.deadletter.given import (
    CRASHES,
    READY,
    SCHEDULED,
    W1,
    W2,
    LedgerError,
    apart,
    broken,
    check_ending,
    check_given_back,
    crowd,
    ended,
    entry_of,
    job_of,
    quietly,
    shown,
    stored,
    whereabouts,
)
from grading import explain, for_seeds

pytestmark = pytest.mark.step(4, "handle once")


POINTS = "{orders}:points:account-7"


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


def again(got: dict[str, Any]) -> str | None:
    """Say what a state costs that is not the one of a job that was handled once."""
    if got["points"] > 5:
        return "the customer gets the points twice"
    if got["points"] < 5:
        return "the job counts as done, and the points were never added" if got["done mark"] else None
    if not got["done mark"]:
        return "the points are added again at the next delivery"
    return "the entry stays, and is delivered again and again" if got["places"] else None


NOT_HANDLED = {"points": 0, "done mark": False, "places": [W1]}
HANDLED = {"points": 5, "done mark": True, "places": []}


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
        called=called, got=await ledger(raw), expected=HANDLED, costs=again(await ledger(raw))
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
        costs=again(await ledger(raw)),
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
            costs="a worker that has lost the job commits it all the same",
        )
        assert [got] == [False], explain(
            called=called, got=got, expected=False, costs="work is counted that was not done"
        )
        check_given_back(trial.redis, called)
        await trial.close()


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
        costs=again(await ledger(raw)),
    )
    check_given_back(redis, called)
    await handle_once(redis, "w1", entry, credit)
    assert await ledger(raw) == HANDLED, explain(
        called=f"{called}; then with an effect that works",
        got=await ledger(raw),
        expected=HANDLED,
        costs="after one handler's error nothing works on this connection any more",
    )


async def test_handle_once_broken_at_any_point_commits_all_or_nothing(network):
    """Wherever handle_once is cut off, effect, mark and removal are all there or none; repeated, it is done once."""
    network.latency(max_s=0)
    for effect in (*CRASHES, "delivered_late"):
        async for trial in network.every_point(effect):
            raw = trial.raw()
            entry = entry_of("job-1")
            await raw.rpush(W1, entry)
            outcome = await trial.attempt(handle_once(trial.redis, "w1", entry, credit))
            called = broken('handle_once("w1", the entry of job-1, effect that adds 5 points)', trial, effect)
            check_ending(outcome, trial, effect, called)
            got = await ledger(raw)
            allowed = [NOT_HANDLED, HANDLED] if outcome.broken else [HANDLED]
            costs = "the worker believes that the job was handled" if got == NOT_HANDLED else again(got)
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
                costs=again(got),
            )


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
            'handle_once("w1", the entry of job-1, effect that adds 5 points); meanwhile '
            "w2, which holds the same job, handles it"
        )
        answers.append(await quietly(handle_once(trial.redis, "w1", entry, credit), called))
        if len(answers) == 1:
            answers.append(await handle_once(raw, "w2", entry, credit))
        got = await ledger(raw)
        assert got == HANDLED, explain(
            called=called,
            got=got,
            expected=HANDLED,
            costs=again(got),
        )
        assert sorted(answers) == [False, True], explain(
            called=called,
            got=answers,
            expected="one True, one False",
            costs="one job is counted as two" if sum(answers) > 1 else "a job that was done isn't counted",
        )


async def test_handle_once_starts_again_when_the_rest_of_the_list_changes(network):
    """When another of the worker's jobs is acknowledged at any point of the call, this one is done all the same."""

    async def acknowledged(trial: Any) -> None:
        await trial.raw().lrem(W1, 1, entry_of("job-2"))

    async for trial in network.every_point(deed=acknowledged, client="redis"):
        raw = trial.raw()
        await raw.rpush(W1, entry_of("job-1"), entry_of("job-2"))
        called = (
            'handle_once("w1", the entry of job-1, effect that adds 5 points); meanwhile '
            "another of w1's jobs is acknowledged"
        )
        got = await quietly(handle_once(trial.redis, "w1", entry_of("job-1"), credit), called)
        costs = "a worker with several jobs at a time leaves some of them undone"
        assert await ledger(raw) == HANDLED, explain(
            called=called, got=await ledger(raw), expected=HANDLED, costs=costs
        )
        assert [got] == [True], explain(called=called, got=got, expected=True, costs=costs)


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
            'handle_once("w1", the entry of job-1, effect that adds 5 points); meanwhile '
            "the entry is recovered to SCHEDULED"
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
        called=called,
        got=summary,
        expected=expected,
        costs="under load some jobs are done twice" if summary["points"] > 20 else None,
    )


# --- Corner cases ----------------------------------------------------------------------------------------------------


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


async def test_watch_error_of_the_effect_comes_out(redis, network):
    """A WatchError that the effect raises is the effect's own: it comes out like any other, after a call or two."""
    raw = network.raw()
    error = WatchError("the account has changed")
    calls = 0

    def effect(pipe: Any, job: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise LedgerError("called again and again")
        raise error

    await raw.rpush(W1, entry_of("job-1"))
    try:
        got: Any = await handle_once(redis, "w1", entry_of("job-1"), effect)
    except NotImplementedError:
        raise
    except Exception as raised:  # noqa: BLE001 - whatever comes is told, with the call
        got = raised
    called = 'handle_once("w1", the entry of job-1, effect that always raises its own WatchError)'
    assert got is error, explain(
        called=called,
        got=f"the effect was called {calls} times, and would be called for ever" if calls > 5 else got,
        expected="the same WatchError, as it comes out of the effect",
        costs="a worker is busy with one job until it is killed"
        if calls > 5
        else "the log shows another error than the one that stopped the job",
    )
    assert await ledger(raw) == NOT_HANDLED, explain(called=called, got=await ledger(raw), expected=NOT_HANDLED)


async def test_oldest_of_a_thousand_entries_is_handled(redis, network):
    """handle_once finds an entry that has a thousand newer ones before it in the worker's list."""
    raw = network.raw()
    await raw.rpush(W1, *crowd(1_050), entry_of("job-1"))
    got = await handle_once(redis, "w1", entry_of("job-1"), credit)
    assert ([got], await ledger(raw)) == ([True], HANDLED), explain(
        called='handle_once("w1", the entry of job-1, effect that adds 5 points); w1 holds job-1 behind a thousand '
        "newer entries",
        got=f"{got!r}, {await ledger(raw)}",
        expected=f"True, {HANDLED}",
        costs="a busy worker's oldest jobs are never handled",
    )


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


async def test_entry_that_is_no_job_is_refused_and_stays(redis, network):
    """handle_once raises UndecodableError for an entry that is not a job, and changes nothing."""
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
