"""Stored records, damaged in every way that came to mind, under each structure: buried with a reason, not lost."""

import asyncio
import json
import time

import grpc
import pytest

from jobqueue.adapters.job_record import encode
from jobqueue.adapters.redis_keys import queue_keys
from jobqueue.domain.errors import TransientError
from jobqueue.domain.verdict import noted, redriven
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb
from tests.jobqueue.fakes.jobs import T0, job

KEYS = queue_keys("default")
PLACES = ("ready", "scheduled", "leases", "dead", "done")
FINE = job(1, kind="noop", queue="default")
RICH = redriven(
    noted(FINE._replace(key="k", context={"traceparent": "00-1"}), TransientError("x"), T0), died_at=T0, now=T0
)
VALUES = [
    None, True, 0, -1, 1, 2**31, 10**30, 1.5, -1.0, 0.0, 1e300, float("inf"), float("-inf"), float("nan"), "", "noop",
    "\ud800", "x" * 100_000, [], {}, [1], {"k": 1}, {"f": 1}, {"f": [[1, 1.0, 3]]}, {"f": [[1, 1e300, []]]},
    {"f": [[1, 1.0, [["\ud800", "\ud800"]]]]}, {"f": [[10**30, 1.0, [["a", "b"]]]]}, {"c": [1]}, {"c": {"a": "\ud800"}},
    {"k": "\ud800"}, {"r": [[1.0, float("nan"), 1]]},
]  # fmt: skip
WHOLE = [
    b"", b"\n", b"null\n{}", b"{}", b"[]\n", b"[1]\n", b"1\n", b"[" * 100_000 + b"\n", b"\xff\xfe\n", b"\0" * 100,
    b'[2,"noop",1,1.0,1.0]\n{}', b"x" * 1_000_000,
]  # fmt: skip
IDS = [b"\xff\xfe", b"", b" ", b"\0", b"a" * 10_000, "💥".encode(), b"ready", b"%s"]


def record(rng):
    """Return the bytes of a record: damaged, or of wrong types, or whole."""
    way = rng.choice(["whole", "types", "types", "types", "truncated", "changed", "noise", "other"])
    raw = bytearray(encode(rng.choice([FINE, RICH])))
    if way == "truncated":
        return bytes(raw[: rng.randrange(len(raw))])
    if way == "changed":
        for _ in range(rng.randrange(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
    if way == "noise":
        return rng.randbytes(rng.randrange(200))
    if way == "other":
        return rng.choice(WHOLE)
    if way == "types":
        header = [1, "noop", 1, T0, T0, {}]
        header[rng.randrange(6)] = rng.choice(VALUES)
        return json.dumps(header).encode() + b"\n" + rng.choice([b"{}", b"\xff\xfe", b"{", b""])
    return bytes(raw)


async def plant(client, place, job_id, raw, due_at):
    """Put a record where a move would have put it."""
    await client.hset(KEYS.records, job_id, raw)
    if place == "ready":
        await client.rpush(KEYS.ready, job_id)
    else:
        await client.zadd(getattr(KEYS, place), {job_id: round(due_at * 1000)})
    if place == "leases":
        await client.hset(KEYS.tokens, job_id, "gone.1")


async def unsettled(client):
    """Return how many jobs are ready, scheduled or running, as of one instant: a job moves while one counts."""
    async with client.pipeline(transaction=True) as pipe:
        pipe.llen(KEYS.ready).zcard(KEYS.scheduled).zcard(KEYS.leases).hlen(KEYS.tokens)
        return sum(await pipe.execute())


async def ask_about(at, ids):
    """Ask about each job in every way, and return the answers that are not clear."""
    unclear = []
    for job_id in ids:
        try:
            name = job_id.decode()
        except UnicodeDecodeError:
            continue  # no client can name it
        for call in (
            at.stub.Get(pb.GetRequest(id=name)),
            at.stub.Watch(pb.WatchRequest(id=name), timeout=0.3),
            at.stub.Redrive(pb.RedriveRequest(ids=[name], dry_run=True)),
        ):
            code, said = await at.status(call)
            if code in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}:
                unclear.append((job_id[:50], code.name, said))
    for call in (
        at.stub.Stats(pb.StatsRequest()),
        at.stub.ListDead(pb.ListDeadRequest()),
        at.stub.ListDead(pb.ListDeadRequest(error_type="UndecodableRecord")),
        at.stub.Redrive(pb.RedriveRequest(all=True, dry_run=True)),
    ):
        code, said = await at.status(call)
        if code is not grpc.StatusCode.OK:
            unclear.append((code.name, said))
    return unclear


async def damage(front, worker, rng, count):
    """Plant damaged records in every place, ask about them, run a worker, and return what became of them."""
    async with front() as at:
        await at.raw.flushall()  # what an earlier round left would be trimmed by the thousand that stay in done
        planted = {}
        for number in range(count):
            job_id = f"{number:032x}".encode() if rng.random() < 0.9 else rng.choice(IDS) + str(number).encode()
            place, planted[job_id] = rng.choice(PLACES), record(rng)
            now = time.time()
            await plant(at.raw, place, job_id, planted[job_id], now - 60.0 if place != "scheduled" else now)
        unclear = await ask_about(at, rng.sample(sorted(planted), min(count, 100)))
        assert not unclear, unclear[:5]
        async with worker() as (_, observer), asyncio.timeout(60):
            # What is planted before anything else was run must not keep a good job from being run.
            answer = await at.stub.Submit(pb.SubmitRequest(job=pb.NewJob(type="noop")))
            while (
                await at.raw.llen(KEYS.ready)
                + await at.raw.zcard(KEYS.scheduled)
                + await at.raw.zcard(KEYS.leases)
                + await at.raw.hlen(KEYS.tokens)
            ):
                await asyncio.sleep(0.02)
            assert (await at.stub.Get(pb.GetRequest(id=answer.id))).state == pb.STATE_DONE
        assert not observer.failures, observer.failures[:3]
        records = await at.raw.hgetall(KEYS.records)
        dead, done = [set(await at.raw.zrange(key, 0, -1)) for key in (KEYS.dead, KEYS.done)]
        lost = [job_id for job_id in planted if job_id not in records or job_id not in dead | done]
        assert not lost, lost[:5]
        unclear = await ask_about(at, rng.sample(sorted(planted), min(count, 100)))
        assert not unclear, unclear[:5]
        listed, token = [], ""
        while True:
            answer = await at.stub.ListDead(pb.ListDeadRequest(page_size=1000, page_token=token))
            listed += answer.jobs
            if not (token := answer.next_page_token):
                break
        assert len(listed) == len(dead), "a dead job is not listed, or twice"
        assert all(each.errors for each in listed if each.type == "unreadable"), "dead without a reason"
        again = await at.stub.Redrive(pb.RedriveRequest(all=True))
        assert len(again.ids) == len(dead)
        return {"planted": count, "dead": len(dead), "done": len(done)}


@pytest.mark.timeout(120)
def test_damaged_records_are_buried_with_a_reason_and_hold_nobody_up(front, worker, rng):
    """A record that cannot be read costs nobody else anything, and nothing of it is lost.

    Did: planted damaged records in ready, scheduled, running, dead and done, asked about them over gRPC, ran a
        worker.
    Saw: each is dead with a reason or done; a good job behind them was run; no answer was INTERNAL; no loop failed; all
        that are dead are listed, and can be re-driven.
    Otherwise: a worker would stumble over the same bytes for ever, or drop them.
    """
    print(asyncio.run(damage(front, worker, rng, 300)))


@pytest.mark.long
@pytest.mark.timeout(900)
def test_thousands_of_damaged_records_are_buried_with_a_reason(front, worker, rng, scaled):
    for _ in range(scaled(10)):
        print(asyncio.run(damage(front, worker, rng, 1000)))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", KEYS._fields)
def test_a_key_of_the_wrong_type_is_told_of_and_mending_it_mends_the_queue(front, worker, name):
    """Whatever stands where a key of a queue should, nothing crashes, and to put the key back is all that is needed.

    Did: put a string in the place of each key of a queue in turn, called every method, ran a worker for a while, and
        put the key back.
    Saw: a status that says what is stored there; the worker lived, and ran every job as soon as the key was back.
    Otherwise: the worker's loops would have ended, or a script that failed half way would have left jobs nowhere.
    """
    calls = (
        lambda stub: stub.Submit(pb.SubmitRequest(job=pb.NewJob(type="noop", idempotency_key="k"))),
        lambda stub: stub.SubmitBatch(pb.SubmitBatchRequest(jobs=[pb.NewJob(type="noop", delay_s=1)])),
        lambda stub: stub.Get(pb.GetRequest(id="x")),
        lambda stub: stub.Cancel(pb.CancelRequest(id="x")),
        lambda stub: stub.ListDead(pb.ListDeadRequest()),
        lambda stub: stub.Redrive(pb.RedriveRequest(all=True)),
        lambda stub: stub.Stats(pb.StatsRequest()),
    )

    async def scenario():
        async with front() as at:
            key = getattr(KEYS, name)
            ready = pb.SubmitBatchRequest(jobs=[pb.NewJob(type="noop", delay_s=n % 2 / 100) for n in range(20)])
            ids = [result.id for result in (await at.stub.SubmitBatch(ready)).results]
            was_there = bool(await at.raw.exists(key)) and await at.raw.rename(key, f"{key}:aside")
            await at.raw.set(key, "not what it was")
            said = [await at.status(call(at.stub)) for call in calls]
            async with worker() as (running, observer), asyncio.timeout(60):
                while not observer.failures:
                    await asyncio.sleep(0.01)
                await at.raw.delete(key)
                if was_there:
                    await at.raw.rename(f"{key}:aside", key)
                for job_id in ids:
                    while (await at.stub.Get(pb.GetRequest(id=job_id))).state != pb.STATE_DONE:
                        await asyncio.sleep(0.02)
                assert running.status().defects == 0
            return said

    said = asyncio.run(scenario())
    if name not in {"tokens", "retry_order", "admission"}:  # which no call looks at, only the worker
        assert {code for code, _ in said} & {grpc.StatusCode.FAILED_PRECONDITION}, said
    assert not {code for code, _ in said} & {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}, said
    assert all("WRONGTYPE" in words for code, words in said if code is grpc.StatusCode.FAILED_PRECONDITION)
