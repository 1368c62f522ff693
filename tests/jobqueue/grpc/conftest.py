"""A real gRPC server and channel over a Unix socket in a temporary folder, in front of a store in memory."""

import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry

from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.inspector import Inspector
from jobqueue.application.submit import Submitter
from jobqueue.config import Settings
from jobqueue.entrypoints.grpc_client import connect
from jobqueue.entrypoints.grpc_server import GrpcServer
from jobqueue.entrypoints.grpc_service import GrpcService
from tests.jobqueue.fakes.memory_job_store import MemoryJobStore


@dataclass
class Front:
    """What a test holds of a running server."""

    stub: object
    store: object
    server: GrpcServer
    registry: CollectorRegistry
    client_registry: CollectorRegistry
    address: str


class Numbers:
    """Ids in order, so that a test can name them."""

    def __init__(self):
        self.last = 0

    def __call__(self):
        self.last += 1
        return f"{self.last:032x}"


@pytest.fixture
def front():
    """Return a context manager that runs a server with these settings and yields a connected client."""

    @asynccontextmanager
    async def run(store=None, observer=None, tracer=None, client=None, **settings):
        store, observer, clock = store or MemoryJobStore(), observer or SilentObserver(), SystemClock()
        with tempfile.TemporaryDirectory() as folder:
            settings.setdefault("listen", f"unix:{folder}/front.sock")
            chosen = Settings(**settings)
            registry, client_registry = CollectorRegistry(), CollectorRegistry()
            submitter = Submitter(store, clock, observer, Numbers(), payload_limit=chosen.payload_limit)
            service = GrpcService(chosen, submitter, Inspector(store, clock, observer), clock)
            server = GrpcServer(chosen, service, registry, tracer)
            await server.start()
            try:
                options = {"token": chosen.token, "registry": client_registry, **(client or {})}
                async with connect(server.address, **options) as stub:
                    yield Front(stub, store, server, registry, client_registry, server.address)
            finally:
                await server.drain(0)

    return run
