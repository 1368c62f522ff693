"""The composition root: the only module that sees adapters and entry points, and joins them."""

import asyncio
import importlib
import os
import random
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import click
import structlog
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, disable_created_metrics

from jobqueue import __version__
from jobqueue.adapters import log_observer
from jobqueue.adapters.aof_backup import back_up
from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.adapters.observers import Observers
from jobqueue.adapters.prometheus_observer import PrometheusObserver
from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.application.inspector import Inspector
from jobqueue.application.overview import overview
from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.job_store import JobStore
from jobqueue.application.ports.observer import Observer
from jobqueue.application.submit import Submitter
from jobqueue.application.trim import Retention
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.config import Settings
from jobqueue.domain.admission import AdmissionPolicy
from jobqueue.domain.errors import InvalidSettings, StoreError
from jobqueue.entrypoints.bench import bench
from jobqueue.entrypoints.cli import serve
from jobqueue.entrypoints.cli.moves import moves
from jobqueue.entrypoints.probe_http import Health, Probe
from jobqueue.entrypoints.process_signals import (
    IN_FLIGHT_SHARE,
    drain_side_by_side,
    front_pause_s,
    look_regularly,
    stop_on_signal,
)
from jobqueue.entrypoints.queue_page import render

LOOK_EVERY_S = 1.0
PAGE_LIMIT_S = 8.0


class CompositionRoot:
    """Implements `Processes`: builds each process from settings."""

    # --8<-- [start:compose]
    async def serve(self, settings: Settings, *, front: bool, worker: bool) -> None:
        """Run a front, a worker or both until a signal, then drain both side by side and close the store last."""
        log_observer.configure(level=settings.log_level, style=settings.log_format)
        log = structlog.get_logger()
        registry, clock, health = CollectorRegistry(), SystemClock(), Health()
        figures = PrometheusObserver(registry)
        observers, tracer, flush = _observers(settings, figures, clock)
        drains: list[Callable[[], Awaitable[None]]] = []
        with stop_on_signal(asyncio.get_running_loop(), settings.grace_s) as stop:
            async with _store(settings) as store:
                inspector = Inspector(store, clock, observers)
                if front:
                    from jobqueue.entrypoints.grpc_server import GrpcServer  # noqa: PLC0415 - a worker needs no gRPC
                    from jobqueue.entrypoints.grpc_service import GrpcService  # noqa: PLC0415

                    # --8<-- [start:wire-front]
                    submitter = _submitter(settings, store, clock, observers)
                    service = GrpcService(settings, submitter, inspector, clock)
                    server = GrpcServer(settings, service, registry, tracer)
                    await server.start()
                    # --8<-- [end:wire-front]
                    drains.append(lambda: server.drain(settings.grace_s * IN_FLIGHT_SHARE, pause_s=pause_s))
                    log.info("listening", address=server.address)
                runner = _worker(settings, store, clock, observers) if worker else None
                if runner:
                    runner.start()
                    drains.append(runner.drain)
                    loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
                    log.info("working", queues=list(settings.queues), concurrency=settings.concurrency, loop=loop)
                probe = _probe(settings, registry, health, store, clock) if settings.metrics_listen else None
                if probe:
                    log.info("probe", address=probe.address)

                async def look() -> None:
                    health.beat(asdict(runner.status()) if runner else {})
                    for queue in settings.queues:
                        try:
                            (stats,) = await inspector.stats([queue])
                            figures.looked(stats)
                        except StoreError as error:
                            observers.failed("stats", error)

                looking = asyncio.create_task(look_regularly(clock, LOOK_EVERY_S, look))
                await stop.wait()
                health.draining = True
                pause_s = front_pause_s(settings.listen, stop.number, settings.grace_s) if front else 0.0
                log.info("draining", grace_s=settings.grace_s, pause_s=pause_s)
                await drain_side_by_side(*(drain() for drain in drains))
                looking.cancel()
                if probe:
                    probe.close()
            flush()
        log.info("drained")

    # --8<-- [end:compose]

    async def backup(self, settings: Settings, target: Path) -> int:
        """Archive the embedded store's data; if its server isn't running, start it for as long as that takes."""
        if settings.redis_url:
            raise InvalidSettings(["JOBQUEUE_REDIS_URL names a server of yours: back it up with its own tools"])
        folder = Path(settings.data_dir)
        if not folder.is_dir():  # noqa: ASYNC240 - a command of its own, with nobody to hold up
            raise InvalidSettings(
                [f"JOBQUEUE_DATA_DIR = {settings.data_dir!r} is no folder: there is nothing to back up"]
            )
        with EmbeddedValkey(folder) as valkey:
            redis = connect(valkey.url, cluster=False)
            try:
                return await back_up(redis, folder, target)
            finally:
                await redis.aclose()

    async def bench(self, settings: Settings, jobs: int) -> dict[str, float]:
        """Measure on the configured server, or on an embedded one that keeps nothing."""
        clock = SystemClock()
        if settings.redis_url:
            async with _store(settings) as store:
                return await bench(store, clock, SilentObserver(), jobs)
        with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder), append_only=False) as valkey:
            store = RedisJobStore(connect(valkey.url, cluster=False))
            try:
                return await bench(store, clock, SilentObserver(), jobs)
            finally:
                await store.close()


def _probe(settings: Settings, registry: CollectorRegistry, health: Health, store: JobStore, clock: Clock) -> Probe:
    loop = asyncio.get_running_loop()

    async def page() -> str:
        queues = await asyncio.gather(*(overview(store, clock, queue) for queue in settings.queues))
        return render(queues, clock.now())

    return Probe(
        settings.metrics_listen,
        registry,
        health,
        lambda: asyncio.run_coroutine_threadsafe(page(), loop).result(PAGE_LIMIT_S),
        token=settings.token,
        certificate=(settings.tls_cert, settings.tls_key) if settings.tls_cert else None,
    )


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[JobStore]:
    """Open the store, and close it at the end. An embedded server stops last, after everything has been given back."""
    valkey = None if settings.redis_url else EmbeddedValkey(Path(settings.data_dir))
    if valkey is not None:
        valkey.start()
        structlog.get_logger().info("embedded Valkey", folder=settings.data_dir)
    url = valkey.url if valkey is not None else settings.redis_url
    store = RedisJobStore(connect(url, cluster=settings.cluster))
    try:
        await store.ping()
        yield store
    finally:
        await store.close()
        if valkey is not None:
            valkey.stop()


def _observers(
    settings: Settings, figures: PrometheusObserver, clock: Clock
) -> tuple[Observers, Tracer | None, Callable[[], None]]:
    observers: list[Observer] = [figures, log_observer.LogObserver()]
    if settings.traces == "none" or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Observers(*observers), None, lambda: None
    try:
        from jobqueue.adapters.otel_observer import OtelObserver, tracer_provider  # noqa: PLC0415 - off by default

        provider = tracer_provider(settings.traces)
    except ImportError as error:
        raise InvalidSettings(
            [f"JOBQUEUE_TRACES = {settings.traces!r} needs more packages: pip install 'redrive[otlp]'"]
        ) from error
    tracer = provider.get_tracer("jobqueue", __version__)
    return Observers(*observers, OtelObserver(tracer, clock)), tracer, provider.shutdown


def _submitter(settings: Settings, store: JobStore, clock: Clock, observer: Observer) -> Submitter:
    return Submitter(
        store,
        clock,
        observer,
        new_id=lambda: os.urandom(16).hex(),
        payload_limit=settings.payload_limit,
        key_for_s=settings.key_for_s,
    )


def _worker(settings: Settings, store: JobStore, clock: Clock, observer: Observer) -> Worker:
    worker_id = f"{socket.gethostname().replace('.', '-')}-{os.urandom(4).hex()}"
    return Worker(
        store,
        _handlers(settings),
        clock,
        observer,
        random.Random(),
        worker_id=worker_id,
        settings=WorkerSettings(
            queues=settings.queues,
            concurrency=settings.concurrency,
            prefetch=settings.prefetch,
            lease_s=settings.lease_s,
            grace_s=settings.grace_s,
            key_for_s=settings.key_for_s,
            admission=AdmissionPolicy(settings.budget_ratio, settings.probe_every_s),
            retention=Retention(settings.done_for_s, settings.done_max, settings.dead_for_s, settings.dead_max),
        ),
    )


def _handlers(settings: Settings) -> Handlers:
    try:
        handlers = importlib.import_module(settings.handlers).handlers
    except (ImportError, AttributeError) as error:
        raise InvalidSettings(
            [f"JOBQUEUE_HANDLERS = {settings.handlers!r} must name a module with a `handlers = Handlers()`: {error}"]
        ) from error
    assert isinstance(handlers, Handlers)
    handlers.configure(settings.retry_policy, settings.timeout_s)
    return handlers


class Commands(click.Group):
    """Loads the client commands only when one is called: they need gRPC, 10 MB that a worker doesn't need."""

    CLIENT = ("submit", "get", "watch", "cancel", "stats", "dead", "redrive")

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names, as the help lists them."""
        return sorted([*super().list_commands(context), *self.CLIENT])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return a command, or None."""
        if name not in self.CLIENT:
            return super().get_command(context, name)
        command: click.Command = getattr(importlib.import_module("jobqueue.entrypoints.cli.client"), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jobqueue")
@click.pass_context
def cli(context: click.Context) -> None:
    """A job queue service on Redis or Valkey, with at-least-once delivery, retries, leases and dead letters.

    Start with `jobqueue serve` in one terminal and `jobqueue submit echo '"hello"'` in another.
    """
    context.obj = CompositionRoot()


for command in (serve.serve, serve.worker, serve.backup, serve.bench, serve.settings, moves):
    cli.add_command(command)


def main() -> None:
    """Run the command line."""
    # PID 1 of a container has no default action: until the service listens to signals itself, SIGTERM would be ignored.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which nobody here reads
    cli()
