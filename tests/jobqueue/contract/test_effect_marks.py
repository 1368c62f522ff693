"""How long the mark of an effect lives: as long as its job can come again, and then for the time of a key."""

import asyncio
import importlib
import os
import random
import sys

import pytest
import redis

from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_effects import once
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.application.trim import Retention
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.domain import defaults
from jobqueue.domain.errors import PermanentError
from tests.jobqueue.fakes.jobs import T0, job

WITHIN_S = 60.0


@pytest.fixture
def address(valkey):
    with redis.Redis.from_url(valkey.url) as wipe:
        wipe.flushall()
    return valkey.url


def mark_of(each):
    return f"jobqueue:effect:{{account}}:{each.id}"


def deposit(pipeline):
    pipeline.incrby("account", 5)


async def life_s(client, each):
    return await client.pttl(mark_of(each)) / 1000


async def test_a_mark_outlives_the_dead_letter_of_its_job(address):
    """A dead job may be re-driven until the end of its retention, and may have waited for its attempts before."""
    async with connect(address, cluster=False) as client:
        assert await once(client, job(1), deposit, tag="account")
        wanted = defaults.DEAD_FOR_S + defaults.WAITING_FOR_S
        assert wanted - WITHIN_S < await life_s(client, job(1)) <= wanted


async def test_a_run_that_meets_the_mark_renews_it(address):
    """Did: let a mark come near its end, and ran its job again.

    Saw: the effect did not happen again, and the mark lives as long as a new one.
    Otherwise: a job that is retried or re-driven late would outlive its mark, and its effect would happen twice.
    """
    async with connect(address, cluster=False) as client:
        await once(client, job(1), deposit, tag="account")
        await client.expire(mark_of(job(1)), 5)
        assert not await once(client, job(1), deposit, tag="account")
        assert await life_s(client, job(1)) > defaults.DEAD_FOR_S
        assert await client.get("account") == b"5"


async def test_a_mark_of_version_0_5_0_counts(address):
    async with connect(address, cluster=False) as client:
        await client.set(mark_of(job(1)), 2, ex=100)
        assert not await once(client, job(1), deposit, tag="account")
        assert await client.get("account") is None


@pytest.mark.parametrize("decode_responses", [False, True])
async def test_a_new_job_under_a_forgotten_key_has_its_effect(address, decode_responses):
    """An idempotency key that is used again, after it was forgotten, gives a new job the same id."""
    async with redis.asyncio.Redis.from_url(address, decode_responses=decode_responses) as client:
        first, second = job(1, key="k"), job(1, key="k")._replace(submitted_at=T0 + 90_000.0)
        assert await once(client, first, deposit, tag="account")
        assert not await once(client, first._replace(attempt=2), deposit, tag="account")
        assert await once(client, second, deposit, tag="account")
        assert int(await client.get("account")) == 10


async def work_off(address, handlers, kind, settled):
    """Submit one job, let a worker run it until `settled` says so of the queue's depth, and return it."""
    client = connect(address, cluster=False)
    store, clock, observer = RedisJobStore(client), SystemClock(), SilentObserver()
    submitter = Submitter(store, clock, observer, lambda: job(1).id)
    await submitter.submit("default", JobRequest(kind, b'{"account": "ada", "cents": 5}'))
    settings = WorkerSettings(concurrency=2, retention=Retention(dead_for_s=5000.0), key_for_s=100.0)
    worker = Worker(store, handlers, clock, observer, random.Random(1), worker_id="w", settings=settings)
    worker.start()
    async with asyncio.timeout(20):
        while not settled((await store.stats("default", now=clock.now())).depth):
            await asyncio.sleep(0.01)
    await worker.drain()
    await store.close()


async def test_an_acknowledgement_shortens_the_mark_to_the_life_of_a_key(address):
    """Did: let a worker run a job whose handler commits its effect with `once`, with a key remembered for 100 s.

    Saw: after the drain the job is done and its mark lives 100 s at most.
    Otherwise: each done job would leave a mark for months.
    """
    handlers = Handlers()
    async with connect(address, cluster=False) as client:

        @handlers.handler("deposit")
        async def work(each):
            assert await once(client, each, deposit, tag="account")
            assert 5000.0 < await life_s(client, each) <= 5000.0 + defaults.WAITING_FOR_S

        await work_off(address, handlers, "deposit", lambda depth: depth["done"])
        assert 100.0 - WITHIN_S < await life_s(client, job(1)) <= 100.0


async def test_the_mark_of_a_job_that_died_after_its_effect_keeps_its_long_life(address):
    handlers = Handlers()
    async with connect(address, cluster=False) as client:

        @handlers.handler("deposit")
        async def work(each):
            await once(client, each, deposit, tag="account")
            raise PermanentError("after the effect")

        await work_off(address, handlers, "deposit", lambda depth: depth["dead"])
        assert await life_s(client, job(1)) > 5000.0


async def test_the_manuals_handler_deposits_once(address, monkeypatch):
    monkeypatch.setitem(os.environ, "JOBQUEUE_REDIS_URL", address)
    sys.modules.pop("tests.jobqueue.contract.deposits", None)
    deposits = importlib.import_module("tests.jobqueue.contract.deposits")
    await work_off(address, deposits.handlers, "deposit", lambda depth: depth["done"])
    (handler,) = [deposits.handlers.get(kind) for kind in deposits.handlers.types()]
    async with connect(address, cluster=False) as client:
        stored = (await RedisJobStore(client).find("default", job(1).id)).job
        await handler.work(stored)
        assert await client.hgetall("balances") == {b"ada": b"5"}
    await deposits.redis.aclose()


async def test_a_mark_costs_the_server_as_many_bytes_as_the_manual_says(address):
    """The manual says 150 bytes; here they are 10,000 keys like the one that `once` writes."""
    count = 10_000
    async with redis.asyncio.Redis.from_url(address) as client:
        await once(client, job(0), lambda pipeline: None, tag="balances")
        (name,) = await client.keys("jobqueue:effect:*")
        value, life_ms = await client.get(name), await client.pttl(name)
        before = (await client.info("memory"))["used_memory"]
        async with client.pipeline(transaction=False) as pipeline:
            for number in range(1, count + 1):
                pipeline.set(name.replace(job(0).id.encode(), job(number).id.encode()), value, px=life_ms)
            await pipeline.execute()
        a_mark = ((await client.info("memory"))["used_memory"] - before) / count
        assert await client.dbsize() == count + 1
    print(f"{a_mark:.0f} bytes a mark")
    assert 130 < a_mark < 170
