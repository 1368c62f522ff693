"""The recipes of the manual: periodic jobs, rate limits, priorities, results, chains and a pause."""

import asyncio
import json
import random
import tempfile
import time
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobqueue.adapters.blocking_submitter import BlockingSubmitter
from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.domain.errors import TransientError
from jobqueue.domain.job import JobState
from jobqueue.domain.retry import RetryPolicy
from tests.jobqueue.recipes import recipes

pytestmark = pytest.mark.against("Valkey")


@pytest.fixture
def url():
    with tempfile.TemporaryDirectory(prefix="jqr") as folder, EmbeddedValkey(Path(folder), append_only=False) as server:
        yield server.url


@asynccontextmanager
async def workers(url, handlers, *served):
    """Run a worker with two slots for each of these lists of queues; yield a store and a submitter."""
    store, clock = RedisJobStore(connect(url, cluster=False)), SystemClock()
    running = [
        Worker(
            store,
            handlers,
            clock,
            SilentObserver(),
            random.Random(number),
            worker_id=f"w{number}",
            settings=WorkerSettings(queues=queues, concurrency=2),
        )
        for number, queues in enumerate(served)
    ]
    for worker in running:
        worker.start()
    yield store, Submitter(store, clock, SilentObserver(), lambda: uuid.uuid4().hex)
    for worker in running:
        await worker.drain()
    await store.close()


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario, 30))


def test_two_machines_submit_a_periodic_job_and_it_exists_once_a_day(url):
    with BlockingSubmitter(url, lambda: uuid.uuid4().hex) as submitter:
        days = [datetime(2026, 11, day, 4, 0, tzinfo=UTC) for day in (24, 24, 25)]
        assert [recipes.submit_report(submitter, day).stored for day in days] == [True, False, True]


class Turned:
    """Time that goes on only while a recipe sleeps: it takes the place of the modules `time` and `asyncio`."""

    def __init__(self):
        self.now = 100.0

    def time(self):
        return self.now

    async def sleep(self, delay_s):
        self.now += delay_s


def test_a_second_has_no_more_turns_than_were_set(url, monkeypatch):
    turned = Turned()
    monkeypatch.setattr(recipes, "time", turned)
    monkeypatch.setattr(recipes, "asyncio", turned)

    async def scenario():
        client, granted = connect(url, cluster=False), []
        for _ in range(12):
            await recipes.wait_for_turn(client, "mailer", 5)
            granted.append(turned.now)
        await client.aclose()
        return granted

    assert run(scenario()) == [100.0] * 5 + [101.0] * 5 + [102.0] * 2


def test_an_urgent_job_overtakes_a_backlog(url):
    """Did: kept the worker of the other queue busy with a backlog, beside a worker of the urgent queue alone.

    Saw: the urgent job was done while the backlog waited.
    """
    handlers, release, urgent = Handlers(), asyncio.Event(), asyncio.Event()

    @handlers.handler("slow")
    async def slow(job):
        await release.wait()

    @handlers.handler("urgent")
    async def at_once(job):
        urgent.set()

    async def scenario():
        async with workers(url, handlers, ("default",), ("urgent",)) as (store, submitter):
            await submitter.submit_many("default", [JobRequest("slow")] * 10)
            await submitter.submit("urgent", JobRequest("urgent"))
            await urgent.wait()
            depth = (await store.stats("default", now=time.time())).depth
            release.set()
        return depth

    assert run(scenario())[JobState.DONE] == 0


def test_a_result_is_there_when_the_job_is_done(url):
    async def scenario():
        client, handlers = connect(url, cluster=False), Handlers()
        recipes.register_results(handlers, client)
        async with workers(url, handlers, ("default",)) as (store, submitter):
            job_id = (await submitter.submit("default", JobRequest("square", b"12"))).id
            while (await store.find("default", job_id)).state is not JobState.DONE:
                await asyncio.sleep(0.01)
            result = json.loads(await client.get(f"result:{job_id}"))
        await client.aclose()
        return result

    assert run(scenario()) == 144


def test_a_chain_that_is_interrupted_publishes_once(url):
    """Did: let the first job fail after its work, so that it runs twice.

    Saw: the second job of the chain exists once.
    """
    handlers, resized, published = Handlers(RetryPolicy(base_s=0.01, cap_s=0.01)), [], asyncio.Queue()

    async def scenario():
        async with workers(url, handlers, ("default",)) as (store, submitter):

            class Interrupted:
                async def submit(self, queue, job):
                    await submitter.submit(queue, job)
                    if len(resized) == 1:
                        raise TransientError("the worker was stopped after the submit")

            recipes.register_chain(handlers, Interrupted(), resized.append, published.put_nowait)
            await submitter.submit("default", JobRequest("resize", b'"cat.png"'))
            while (await store.stats("default", now=time.time())).depth[JobState.DONE] < 2:
                await asyncio.sleep(0.01)
        return published.qsize()

    assert run(scenario()) == 1
    assert resized == ["cat.png", "cat.png"]


def test_a_queue_whose_workers_are_stopped_takes_submits_and_goes_on_later(url):
    handlers, sent = Handlers(), asyncio.Queue()

    @handlers.handler("mail")
    async def mail(job):
        sent.put_nowait(job.data)

    async def scenario():
        async with workers(url, handlers, ("mail",)):
            pass
        async with workers(url, handlers) as (store, submitter):
            await submitter.submit("mail", JobRequest("mail", b"1"))
            waiting = (await store.stats("mail", now=time.time())).depth[JobState.READY]
        async with workers(url, handlers, ("mail",)):
            return waiting, await sent.get()

    assert run(scenario()) == (1, 1)
