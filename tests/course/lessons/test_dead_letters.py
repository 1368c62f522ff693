"""Show what the lesson on retries and dead letters says of failing, handling once, burying and re-driving."""

import asyncio
import json

import pytest
import redis
import redis.asyncio
from redis.exceptions import ResponseError

from grading import clock
from grading.network import Network
from solutions.deadletter.deadletter import (
    DEAD,
    READY,
    SCHEDULED,
    fail,
    handle_once,
    peek,
    processing,
    redrive,
    redrive_all,
    submit,
    take,
)
from solutions.simulations import redis_facts

HELD = processing("w1")
POINTS = "{orders}:points:account-7"


@pytest.fixture
def valkey(valkey_url):
    """Return a client of a real Valkey server that lives as long as the test."""
    client = redis.Redis.from_url(valkey_url)
    yield client
    client.close()


def on_a_loop(url, scenario):
    """Run `scenario(client)` with an asyncio client of the server."""

    async def main():
        async with redis.asyncio.Redis.from_url(url) as client:
            return await scenario(client)

    return asyncio.run(main())


def credit(pipe, job):
    """Queue the effect: the job's points for one account."""
    pipe.incrby(POINTS, job["payload"])


async def taken(client, job_id="job-1", payload=5):
    """Submit a job and take it as worker w1."""
    await submit(client, job_id, payload, now_s=100.0)
    return await take(client, "w1")


def an_error_with_causes():
    """Return an error that was raised from another, which was raised while a third was handled."""
    outer, middle = RuntimeError("no ledger"), TimeoutError("no answer in 2 s")
    outer.__cause__, middle.__context__ = middle, OSError("link down")
    return outer


def test_a_handler_without_a_job_id_guard_doubles_its_effect(valkey, valkey_url):
    """At least once means twice, for a handler that does not look at the job's id.

    Did: delivered one job twice on a real Valkey, as the first worker died between its effect and its acknowledgement,
      to a handler that adds 5 points.
    Saw: 10 points.
    Otherwise: 5 points, the second delivery would have changed nothing.
    """

    async def twice(client):
        await taken(client)
        for worker in ("w1", "w2"):
            await redis_facts.credit_unguarded(client, POINTS, 5)
            await client.lmove(processing(worker), processing("w2"), "RIGHT", "LEFT")

    on_a_loop(valkey_url, twice)
    assert valkey.get(POINTS) == b"10"


def test_guarded_handler_takes_effect_once(valkey, valkey_url):
    """With effect, mark and acknowledgement in one MULTI/EXEC a second delivery changes nothing.

    Did: delivered one job to two workers at the same time on a real Valkey, both handling it by `handle_once`.
    Saw: 5 points, one worker told True and the other False, and neither list holds the entry.
    Otherwise: 10 points, or two workers that both believe to have done it.
    """

    async def twice(client):
        entry = await taken(client)
        await client.lpush(processing("w2"), entry)
        return await asyncio.gather(*(handle_once(client, worker, entry, credit) for worker in ("w1", "w2")))

    assert sorted(on_a_loop(valkey_url, twice)) == [False, True]
    assert valkey.get(POINTS) == b"5"
    assert valkey.exists(HELD, processing("w2")) == 0


def test_dead_letter_keeps_its_error_chain(valkey, valkey_url):
    """A dead letter tells what failed and why, attempt by attempt.

    Did: let a job fail twice on a real Valkey, the second time with an error that has two causes, and peeked at DEAD.
    Saw: two failures with attempt, time and worker, and the three errors of the last one, outermost first.
    Otherwise: only the last error's text would be there, its causes gone with the worker's memory.
    """

    async def fail_twice(client):
        entry = await taken(client)
        await fail(client, "w1", entry, ValueError("odd"), now_s=101.0, delay_s=1.0, max_attempts=2)
        ((due, _),) = await client.zpopmin(SCHEDULED)
        await client.lpush(HELD, due)
        await fail(client, "w1", due, an_error_with_causes(), now_s=103.0, delay_s=1.0, max_attempts=2)
        return await peek(client, limit=10)

    (record,) = on_a_loop(valkey_url, fail_twice)
    assert [(failure["attempt"], failure["at_s"], failure["worker"]) for failure in record["errors"]] == [
        (1, 101.0, "w1"),
        (2, 103.0, "w1"),
    ]
    assert [link["type"] for link in record["errors"][-1]["chain"]] == ["RuntimeError", "TimeoutError", "OSError"]


def test_unreadable_entry_is_buried_with_its_bytes(valkey, valkey_url):
    """What no worker can read is buried at once, and nothing of it is lost.

    Did: let an entry that is no text fail on a real Valkey, with ten attempts allowed.
    Saw: it is dead after one, and the record gives its bytes back; no list of work holds it.
    Otherwise: it would be scheduled for a retry that cannot succeed, or be gone.
    """
    valkey.lpush(HELD, b"\xff\x00")

    async def failing(client):
        await fail(client, "w1", b"\xff\x00", ValueError("odd"), now_s=1.0, delay_s=1.0, max_attempts=10)
        return await peek(client, limit=1)

    (record,) = on_a_loop(valkey_url, failing)
    assert bytes.fromhex(record["raw_hex"]) == b"\xff\x00"
    assert valkey.exists(HELD, SCHEDULED, READY) == 0


def test_lost_reply_of_exec_looks_like_a_lost_race():
    """A WatchError does not mean that nothing was committed.

    Did: broke the connection after EXEC had run, under a pipeline that watched a key.
    Saw: redis-py raised WatchError, and the key had its new value.
    Otherwise: the error would be a ConnectionError, or the key would be unchanged.
    """

    async def scenario():
        network = Network(seed=1)
        await network.open()
        told = await redis_facts.set_under_watch(
            network.redis,
            "key",
            "new",
            before_exec=lambda: network.fail_at(4, effect="reply_lost"),  # MULTI, SET, EXEC, the wait for the replies
        )
        value = await network.raw().get("key")
        await network.close()
        return told, value

    assert clock.run(scenario) == ("WatchError", b"new")


def test_transaction_without_a_look_copies_the_job_when_repeated(valkey, valkey_url):
    """MULTI alone cannot make one command depend on what another one did.

    Did: ran "LREM from the list, RPUSH to the dead" twice in a MULTI/EXEC on a real Valkey, as a caller does who lost
      the reply.
    Saw: LREM removed 1 and then 0, and the dead hold two copies.
    Otherwise: the second RPUSH would not have run, as LREM had found nothing.
    """
    valkey.lpush(HELD, "job-1")
    removed = [redis_facts.bury_without_looking(valkey, HELD, DEAD, "job-1") for _ in range(2)]
    assert removed == [1, 0]
    assert valkey.lrange(DEAD, 0, -1) == [b"job-1", b"job-1"]


def test_repeated_failure_changes_nothing(valkey, valkey_url):
    """A `fail` that looks first may be repeated at any time.

    Did: let a job fail on a real Valkey, let a second worker take the retry, and repeated the first worker's call.
    Saw: the answer "gone", and the job in the second worker's list only.
    Otherwise: the job would be scheduled again, while it runs.
    """

    async def repeated(client):
        entry = await taken(client)
        arguments = {"now_s": 101.0, "delay_s": 1.0, "max_attempts": 3}
        first = await fail(client, "w1", entry, ValueError("odd"), **arguments)
        ((due, _),) = await client.zpopmin(SCHEDULED)
        await client.lpush(processing("w2"), due)
        return first, await fail(client, "w1", entry, ValueError("odd"), **arguments)

    assert on_a_loop(valkey_url, repeated) == ("scheduled", "gone")
    assert valkey.exists(SCHEDULED, READY, DEAD, HELD) == 0
    assert valkey.llen(processing("w2")) == 1


def test_exec_is_no_rollback(valkey):
    """A command that fails inside EXEC leaves the others committed.

    Did: queued SET, an INCR of a list, and SET again in one MULTI/EXEC on a real Valkey.
    Saw: the INCR was answered with an error, and both SETs are there.
    Otherwise: neither key would exist, as in a database that rolls back.
    """
    valkey.rpush("a list", "x")
    answers = redis_facts.exec_with_a_command_that_fails(valkey, "a list")
    assert isinstance(answers[1], ResponseError)
    assert valkey.exists("before", "after") == 2


def test_redriven_job_is_the_same_job(valkey, valkey_url):
    """A re-driven job keeps its id and its history, and starts with no attempt used up.

    Did: buried a job on a real Valkey, re-drove it twice, and took it.
    Saw: the second call moved nothing; the entry has the old id and the old error, attempts 0, and says when it died.
    Otherwise: there would be two copies, or a new job without a record that it died.
    """

    async def buried_and_redriven(client):
        entry = await taken(client)
        await fail(client, "w1", entry, ValueError("odd"), now_s=101.0, delay_s=1.0, max_attempts=1)
        moved = [await redrive(client, "job-1", now_s=200.0) for _ in range(2)]
        return moved, json.loads(await take(client, "w2"))

    moved, job = on_a_loop(valkey_url, buried_and_redriven)
    assert moved == [True, False]
    assert (job["id"], job["attempts"], len(job["errors"])) == ("job-1", 0, 1)
    assert job["redriven"] == [{"at_s": 200.0, "dead_at_s": 101.0, "attempts": 1}]


def test_redriven_job_that_was_done_is_not_done_again(valkey, valkey_url):
    """The id survives the re-drive, so the mark does its work.

    Did: handled a job on a real Valkey, and delivered it again from the dead, where a copy of it lay.
    Saw: 5 points before and after.
    Otherwise: 10 points, as for a job with an id of its own.
    """

    async def done_and_redriven(client):
        entry = await taken(client)
        await client.lpush(processing("w2"), entry)
        await handle_once(client, "w1", entry, credit)
        await fail(client, "w2", entry, ValueError("odd"), now_s=101.0, delay_s=1.0, max_attempts=1)
        await redrive_all(client, now_s=200.0)
        return await handle_once(client, "w3", await take(client, "w3"), credit)

    assert on_a_loop(valkey_url, done_and_redriven) is False
    assert valkey.get(POINTS) == b"5"


def test_mark_that_expires_forgets(valkey, valkey_url):
    """A mark with a time to live protects only as long as it lives.

    Did: handled a job on a real Valkey, let its mark expire (by EXPIRE with 0 s), and delivered the job again.
    Saw: 10 points.
    Otherwise: 5 points, the mark would have outlived the delay.
    """

    async def after_expiry(client):
        entry = await taken(client)
        await handle_once(client, "w1", entry, credit)
        await redis_facts.let_the_mark_expire(client, "{orders}:done:job-1")
        await client.lpush(HELD, entry)
        return await handle_once(client, "w1", entry, credit)

    assert on_a_loop(valkey_url, after_expiry) is True
    assert valkey.get(POINTS) == b"10"
