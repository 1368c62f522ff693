"""Step 2: fail without losing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from redis.exceptions import ResponseError

from exercises.deadletter.given import (
    CRASHES,
    DEAD,
    READY,
    SCHEDULED,
    W1,
    W2,
    broken,
    check_ending,
    check_given_back,
    check_once,
    crowd,
    ended,
    entry_of,
    failing,
    in_words,
    job_of,
    name_of,
    quietly,
    record_of,
    shown_fail,
    stored,
    whereabouts,
)
from grading import explain, for_seeds

pytestmark = pytest.mark.step(2, "fail without losing")


async def test_failed_job_is_scheduled_for_its_retry(redis, network):
    """A job with attempts left moves to SCHEDULED, due at now_s + delay_s, attempts one higher."""
    raw = network.raw()
    await raw.rpush(W1, entry_of("job-2"), entry_of("job-1"), entry_of("job-3"))
    got = await failing(redis, entry_of("job-1"))
    assert got == "scheduled", explain(
        called=shown_fail(), got=got, expected="scheduled", costs="the caller counts something else than what happened"
    )
    places = await whereabouts(raw)
    expected = {"job-1": [SCHEDULED], "job-2": [W1], "job-3": [W1]}
    assert places == expected, explain(
        called=f"{shown_fail()}; w1 holds job-2, job-1, job-3",
        got=places,
        expected=expected,
    )
    ((entry, due_s),) = await raw.zrange(SCHEDULED, 0, -1, withscores=True)
    assert due_s == 1002.75, explain(
        called=shown_fail(),
        got=f"score {due_s}",
        expected="score 1002.75 (now_s + delay_s)",
        costs="the retry comes too early and hammers a service that is down"
        if due_s < 1002.75
        else "the retry comes too late, perhaps by years",
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
            else "a job that has used up its attempts is tried again"
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
            costs="the retry comes at another time than the caller has chosen",
        )
        dead = [name_of(record) for record in await raw.lrange(DEAD, 0, -1)]
        order = ["older", "job-1"] if expected == "dead" else ["older"]
        assert dead == order, explain(
            called=f"{called}; DEAD holds one older record",
            got=dead,
            expected=order,
            costs="trimming the list throws away the wrong records",
        )
        await trial.close()


async def test_entry_that_the_worker_does_not_hold_is_left_alone(network):
    """fail changes nothing and answers "gone" when the entry is not in this worker's list."""
    entry = entry_of("job-1")
    costs = "a worker that was only slow schedules a job that another worker already has: it runs twice"
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
            costs="each lost reply adds a copy of the job",
        )
        await trial.close()


async def test_fail_broken_at_any_point_loses_nothing_and_can_be_repeated(network):
    """Wherever fail is cut off, the job is in exactly one place; repeated, it ends where it should, once."""
    network.latency(max_s=0)
    for max_attempts, target, effect in (
        (3, SCHEDULED, "cancelled"),
        (3, SCHEDULED, "reply_lost"),
        (1, DEAD, "reply_lost"),
        (3, SCHEDULED, "delivered_late"),
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
            costs = None
            if not outcome.broken and places.get("job-1") == [W1]:
                costs = "the caller believes that all went well and takes the next job; this one stays behind"
            check_once(places, "job-1", allowed, called, costs)
            trial.heal()
            await failing(trial.redis, entry, now_s=1003.0, max_attempts=max_attempts)
            places = await whereabouts(raw)
            called += "; then the same call again"
            check_once(places, "job-1", (target,), called)
            check_once(places, "job-2", (W1,), called)


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


async def test_fail_starts_again_when_the_rest_of_the_list_changes(network):
    """When another of the worker's jobs is acknowledged at any point of the call, this one is moved all the same."""

    async def acknowledged(trial: Any) -> None:
        await trial.raw().lrem(W1, 1, entry_of("job-2"))

    async for trial in network.every_point(deed=acknowledged, client="redis"):
        raw = trial.raw()
        await raw.rpush(W1, entry_of("job-1"), entry_of("job-2"))
        called = f"{shown_fail()}; meanwhile another of w1's jobs is acknowledged"
        got = await quietly(failing(trial.redis, entry_of("job-1")), called)
        costs = "a worker with several jobs at a time loses track of those that fail"
        check_once(await whereabouts(raw), "job-1", (SCHEDULED,), called, costs)
        assert got == "scheduled", explain(called=called, got=got, expected="scheduled", costs=costs)


async def test_fail_changes_nothing_when_the_entry_was_moved_first(network):
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
            called = f"{shown_fail(max_attempts=max_attempts)}; meanwhile another process moves the entry back to READY"
            got = await quietly(failing(trial.redis, entry, max_attempts=max_attempts), called)
            costs = "the job was moved between the look and the move"
            target = READY if left and left[-1] else DEAD if max_attempts == 1 else SCHEDULED
            check_once(await whereabouts(raw), "job-1", (target,), called, costs)
            expected = {READY: "gone", DEAD: "dead", SCHEDULED: "scheduled"}[target]
            assert got == expected, explain(
                called=called, got=got, expected=expected, costs="what the caller counts and logs is not what happened"
            )


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
        check_once(places, job_id, (DEAD,), called, None)
    assert sorted(got) == ["dead"] * 4 + ["gone"], explain(
        called=called,
        got=sorted(got),
        expected=["dead"] * 4 + ["gone"],
        costs="deaths are counted wrongly",
    )


# --- Corner cases ----------------------------------------------------------------------------------------------------


async def test_oldest_of_a_thousand_entries_is_found(redis, network):
    """fail moves an entry that has a thousand newer ones before it in the worker's list."""
    raw = network.raw()
    await raw.rpush(W1, *crowd(1_050), entry_of("job-1"))
    got = await failing(redis, entry_of("job-1"))
    called = f"{shown_fail()}; w1 holds job-1 behind a thousand newer entries"
    check_once(await whereabouts(raw), "job-1", (SCHEDULED,), called, "a busy worker's oldest jobs stay in its list")
    assert got == "scheduled", explain(
        called=called, got=got, expected="scheduled", costs="the caller takes a job that it holds for one that is gone"
    )


async def test_command_that_exec_refuses_is_told(redis, network):
    """When Redis refuses the ZADD in EXEC, because the key holds something else, its error comes out."""
    raw = network.raw()
    await raw.set(SCHEDULED, "a string by mistake")
    await raw.rpush(W1, entry_of("job-1"))
    try:
        got: Any = await failing(redis, entry_of("job-1"))
    except ResponseError as error:
        got = error
    assert isinstance(got, ResponseError), explain(
        called=f"{shown_fail()}; the key {SCHEDULED} holds a string, so Redis refuses the ZADD",
        got=f"it returned {got!r}",
        expected="the ResponseError (WRONGTYPE) of the ZADD",
        costs="the job has left the worker's list and is nowhere, and no log line says so",
    )
