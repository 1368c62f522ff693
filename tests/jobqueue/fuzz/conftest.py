"""The front, a store on a real Valkey, and raw channels: what fuzzing needs."""

import os
import random
import tempfile
import uuid
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
import redis.asyncio
from prometheus_client import CollectorRegistry

from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.application.inspector import Inspector
from jobqueue.application.submit import Submitter
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.config import Settings
from jobqueue.domain.retry import RetryPolicy
from jobqueue.entrypoints.grpc_server import GrpcServer
from jobqueue.entrypoints.grpc_service import GrpcService
from jobqueue.entrypoints.proto.jobqueue_pb2_grpc import JobQueueStub
from tests.jobqueue.fakes.recording_observer import RecordingObserver

SCALE = float(os.environ.get("LONG_SCALE", "1"))


@pytest.fixture
def scaled():
    """Return a function that scales a full count by LONG_SCALE, with a least one."""
    return lambda full, least=1: max(least, round(full * SCALE))


@pytest.fixture
def rng(request):
    """Chance with a seed; FUZZ_SEED gives another."""
    seed = int(os.environ.get("FUZZ_SEED", "20261124"))
    print(f"FUZZ_SEED={seed}")
    return random.Random(f"{seed} {request.node.name}")


@pytest.fixture(scope="session")
def server():
    with tempfile.TemporaryDirectory(prefix="jqz") as folder, EmbeddedValkey(Path(folder), append_only=False) as valkey:
        yield valkey


@pytest.fixture
def url(server):
    """The address of an empty server."""
    with redis.Redis.from_url(server.url) as wipe:
        wipe.flushall()
    return server.url


class Front:
    """A running front over the real store, and what a test needs to hurt and to look."""

    def __init__(self, store, channel, raw, registry):
        self.store, self.channel, self.raw, self.registry = store, channel, raw, registry
        self.stub = JobQueueStub(channel)

    def counted(self):
        """Return the pairs of method and status that the server itself has counted."""
        return {
            (sample.labels["method"], sample.labels["code"])
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == "grpc_server_handled_total"
        }

    async def status(self, call):
        """Await a call of any shape, and return its status and what it said."""
        try:
            if hasattr(call, "__aiter__"):
                async for _ in call:
                    pass
            else:
                await call
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or ""
        return grpc.StatusCode.OK, ""


@pytest.fixture
def front(url):
    """Return a context manager that runs the front on the real store."""

    @asynccontextmanager
    async def run(**settings):
        store, raw = RedisJobStore(connect(url, cluster=False)), redis.asyncio.Redis.from_url(url)
        with tempfile.TemporaryDirectory(prefix="jqz") as folder:
            chosen = Settings(listen=f"unix:{folder}/front.sock", **settings)
            clock, observer, registry = SystemClock(), SilentObserver(), CollectorRegistry()
            submitter = Submitter(store, clock, observer, lambda: uuid.uuid4().hex)
            service = GrpcService(chosen, submitter, Inspector(store, clock, observer), clock)
            server = GrpcServer(chosen, service, registry)
            await server.start()
            try:
                async with grpc.aio.insecure_channel(server.address) as channel:
                    yield Front(store, channel, raw, registry)
            finally:
                await server.drain(0)
                await store.close()
                await raw.aclose()

    return run


@pytest.fixture
def worker(url):
    """Return a context manager that runs a worker with one handler, "noop"; yields it with its observer."""

    @asynccontextmanager
    async def run(**settings):
        handlers, observer = Handlers(RetryPolicy(max_attempts=2, base_s=0.01, cap_s=0.02)), RecordingObserver()

        @handlers.handler("noop")
        async def noop(_):
            pass

        store = RedisJobStore(connect(url, cluster=False))
        chosen = WorkerSettings(**{"lease_s": 1.0, **settings})
        made = Worker(
            store, handlers, SystemClock(), observer, random.Random(1), worker_id=uuid.uuid4().hex, settings=chosen
        )
        made.start()
        try:
            yield made, observer
        finally:
            await made.drain(1.0)
            await store.close()

    return run
