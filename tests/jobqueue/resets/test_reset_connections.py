"""A TCP reset of idle connections: whatever speaks to the store fails once at most, and then goes on.

A load balancer or firewall resets connections that were idle for too long. The socket learns of it while nothing is
being read or written, so the next write finds a transport that is already closing.
"""

import asyncio
import itertools
import random
import uuid

import grpc
import pytest
from prometheus_client import CollectorRegistry

from jobqueue.adapters.blocking_submitter import BlockingSubmitter
from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_fast_path import at_once
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.application.inspector import Inspector
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.config import Settings
from jobqueue.domain.errors import StoreUnavailable
from jobqueue.entrypoints.grpc_client import connect as connect_to_front
from jobqueue.entrypoints.grpc_server import GrpcServer
from jobqueue.entrypoints.grpc_service import GrpcService
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb
from tests.jobqueue.fakes.recording_observer import RecordingObserver

pytestmark = pytest.mark.against("Valkey", "TCP resets")

CALLS = 20


async def notice():
    """Let the loop read the resets: they are in the sockets' buffers already."""
    for _ in range(5):
        await asyncio.sleep(0.01)


async def ping(client):
    assert await client.ping()


async def two_at_once(client):
    assert await at_once(client, ("PING",), ("ECHO", b"x")) == [b"PONG", b"x"]


@pytest.mark.parametrize("call", [ping, two_at_once])
def test_a_client_goes_on_after_its_idle_connection_was_reset(run, proxy, call):
    """One reset must not break a client for ever.

    Did: connected to Valkey through a proxy, let the proxy reset the idle connection, and called 20 times.
    Saw: every call was answered.
    Otherwise: the dead connection would go back into the pool, and each of the 20 calls would fail with an error of
        the event loop.
    """

    async def scenario():
        client = connect(proxy.url, cluster=False)
        await call(client)
        assert proxy.reset() == 1
        await notice()
        for _ in range(CALLS):
            await call(client)
        await client.aclose()

    run(scenario())


def test_a_client_goes_on_when_the_reset_comes_between_the_look_and_the_answer(run, proxy):
    """Here the loop has had no turn in which to learn of the reset before the write."""

    async def scenario():
        client = connect(proxy.url, cluster=False)
        for _ in range(CALLS):
            await client.ping()
            proxy.reset()
            await client.ping()
        await client.aclose()

    run(scenario())


def test_a_whole_worker_goes_on_after_its_connections_were_reset(run, proxy, valkey):
    """A worker keeps promoting, reaping and taking jobs.

    Did: ran a worker behind the proxy, reset all of its connections three times, and each time submitted one job that
        is due and one that is due later.
    Saw: both were done each time, by claim and by promotion, and no pass of any loop failed more than once a reset.
    Otherwise: the loops that hold a dead connection would fail at pass after pass, and delayed jobs would stay.
    """
    handlers, done = Handlers(), asyncio.Queue()

    @handlers.handler("greet")
    async def greet(job):
        done.put_nowait(job.data)

    async def scenario():
        store, direct = (RedisJobStore(connect(url, cluster=False)) for url in (proxy.url, valkey.url))
        observer, clock, queue = RecordingObserver(), SystemClock(), uuid.uuid4().hex
        submitter = Submitter(direct, clock, SilentObserver(), lambda: uuid.uuid4().hex)
        worker = Worker(
            store,
            handlers,
            clock,
            observer,
            random.Random(1),
            worker_id="w",
            settings=WorkerSettings(queues=(queue,), concurrency=2),
        )
        worker.start()
        for number in range(3):
            await submitter.submit(queue, JobRequest("greet", b"%d" % number))
            assert await done.get() == number
            assert proxy.reset() > 0
            await notice()
            await submitter.submit(queue, JobRequest("greet", b'"due"'))
            await submitter.submit(queue, JobRequest("greet", b'"later"', delay_s=0.05))
            assert {await done.get(), await done.get()} == {"due", "later"}
        await worker.drain()
        await store.close()
        await direct.close()
        return observer.failures

    failures = run(scenario())
    where = [name for name, _ in failures]
    assert all(where.count(name) <= 3 for name in where), failures
    assert all(isinstance(error, StoreUnavailable) for _, error in failures), failures


def test_the_front_answers_after_its_connections_were_reset(proxy, tmp_path):
    """Did: submitted through a front on the loop of asyncio, reset its connection to the store, submitted 20 times.

    Saw: every call was answered.
    Otherwise: the front would answer INTERNAL from then on.
    """

    async def scenario():
        store, clock = RedisJobStore(connect(proxy.url, cluster=False)), SystemClock()
        settings = Settings(listen=f"unix:{tmp_path}/f", queues=("front",))
        submitter = Submitter(store, clock, SilentObserver(), lambda: uuid.uuid4().hex)
        service = GrpcService(settings, submitter, Inspector(store, clock, SilentObserver()), clock)
        server = GrpcServer(settings, service, CollectorRegistry())
        await server.start()
        codes = []
        async with connect_to_front(server.address) as stub:
            for number in range(1 + CALLS):
                if number == 1:
                    assert proxy.reset() == 1
                    await notice()
                try:
                    await stub.Submit(pb.SubmitRequest(queue="front", job=pb.NewJob(type="greet")))
                    codes.append(grpc.StatusCode.OK)
                except grpc.aio.AioRpcError as error:
                    codes.append(error.code())
        await server.drain(0)
        await store.close()
        return codes

    assert asyncio.run(scenario()) == [grpc.StatusCode.OK] * (1 + CALLS)


def test_the_blocking_submitter_fails_once_and_connects_again(proxy):
    """A single connection can't know that it was reset before it writes: one submit fails, and may have happened."""
    numbers = itertools.count(1)
    outcomes = []
    with BlockingSubmitter(proxy.url, lambda: f"{next(numbers):032x}") as submitter:
        submitter.submit("blocking", "greet")
        assert proxy.reset() == 1
        for _ in range(CALLS):
            try:
                outcomes.append(submitter.submit("blocking", "greet").stored)
            except StoreUnavailable:
                outcomes.append("unavailable")
    assert outcomes[1:] == [True] * (CALLS - 1)
    assert outcomes[0] in (True, "unavailable")
