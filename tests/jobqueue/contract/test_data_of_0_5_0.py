"""A queue as version 0.5.0 left it: this version reads it, finishes its jobs, and remembers what it must.

`data_of_0_5_0.json` was written by the code of 0.5.0 (commit a1eea62): jobs in all five states, two of them retries or
re-driven, and idempotency keys. The workers that held the running jobs are gone.
"""

import asyncio
import json
import random
from pathlib import Path

import pytest
import redis

from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.application.inspector import DeadSelection, Inspector
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.application.trim import Retention
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.domain.job import JobState
from tests.jobqueue.fakes.recording_observer import RecordingObserver

FIXTURE = Path(__file__).with_name("data_of_0_5_0.json")
AGES_S = 1e10
QUEUE = "default"


def load(client):
    """Put every key of the fixture where it was."""
    for key, kept in json.loads(FIXTURE.read_text(encoding="utf-8")).items():
        if kept["type"] == "hash":
            client.hset(key, mapping=kept["value"])
        elif kept["type"] == "zset":
            client.zadd(key, kept["value"])
        else:
            client.rpush(key, *kept["value"])


@pytest.fixture
def address(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
        load(client)
    return valkey.url


async def states(store):
    found = {}
    for number in range(1, 20):
        view = await store.find(QUEUE, f"{number:032x}")
        if view:
            found[view.job.data["word"]] = view.state.value
    return found


async def test_jobs_of_0_5_0_are_where_they_were(address):
    store = RedisJobStore(connect(address, cluster=False))
    assert await states(store) == {
        "done": "done",
        "dead": "dead",
        "dead twice": "dead",
        "retry": "scheduled",
        "running": "running",
        "running, second": "running",
        "delayed": "scheduled",
        "ready": "ready",
        "größe": "ready",
    }
    stats = await store.stats(QUEUE, now=SystemClock().now())
    assert {state.value: count for state, count in stats.depth.items()} == {
        "scheduled": 2,
        "ready": 3,
        "running": 2,
        "done": 2,
        "dead": 2,
    }
    retry = (await store.find(QUEUE, f"{5:032x}")).job
    assert (retry.attempt, retry.failures[0].causes[1].message) == (2, "no route to host")
    await store.close()


async def test_a_worker_finishes_what_0_5_0_left_and_dead_letters_are_redriven(address):
    """An upgrade in place loses no job: not a ready one, not one that waits, not one whose worker was stopped.

    Did: loaded a queue that 0.5.0 had written into a Valkey, ran a worker of this version, and re-drove the dead.
    Saw: every job that was not done was run once, the running ones after their leases had been reaped; dead letters
        kept their errors and re-drives; a submit with an old idempotency key made no second job.
    Otherwise: a job would be in no place that this version looks at.
    """
    store, clock, observer = RedisJobStore(connect(address, cluster=False)), SystemClock(), RecordingObserver()
    handlers, ran = Handlers(), []

    @handlers.handler("greet")
    async def greet(job):
        ran.append(job.data["word"])

    settings = WorkerSettings(retention=Retention(done_for_s=AGES_S, dead_for_s=AGES_S))
    worker = Worker(store, handlers, clock, observer, random.Random(1), worker_id="new-1", settings=settings)
    inspector = Inspector(store, clock, observer)
    worker.start()

    async def until_done(count):
        async with asyncio.timeout(20):
            while (await store.stats(QUEUE, now=clock.now())).depth[JobState.DONE] < count:
                await asyncio.sleep(0.01)

    await until_done(9)
    left = ["ready", "größe", "ready with a key", "retry", "running", "running, second", "delayed"]
    assert sorted(ran) == sorted(left)
    assert observer.moves["reaped"] == 2
    dead = (await inspector.dead(QUEUE, DeadSelection(error_type="OSError"))).jobs
    assert [(each.job.data["word"], len(each.job.failures), len(each.job.redriven)) for each in dead] == [
        ("dead", 1, 0),
        ("dead twice", 2, 1),
    ]
    assert len([job async for job in inspector.redrive(QUEUE, DeadSelection())]) == 2
    await until_done(11)
    submitter = Submitter(store, clock, observer, lambda: "f" * 32)
    for key in ("order-7", "order-8"):
        assert not (await submitter.submit(QUEUE, JobRequest("greet", b"{}", key=key))).stored
    await worker.drain()
    await store.close()
