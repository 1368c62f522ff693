"""What is seen of a call and of the job behind it: metrics on both sides, and one trace across the queue."""

import asyncio
import random
import tempfile

import grpc
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry

from jobqueue.adapters.otel_observer import OtelObserver
from jobqueue.adapters.prometheus_observer import PrometheusObserver
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.domain.errors import StoreUnavailable, TransientError
from jobqueue.domain.retry import RetryPolicy
from jobqueue.entrypoints.grpc_scopes import ScopeInterceptor, red_metrics
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb
from tests.jobqueue.fakes.memory_job_store import MemoryJobStore

pytestmark = pytest.mark.against("gRPC", "memory")


def value(registry, name, **labels):
    return registry.get_sample_value(name, labels)


# --8<-- [start:red]
def test_calls_are_counted_on_both_sides_without_a_line_in_a_method(front):
    """Rate, errors and durations come from one interceptor, whatever the method.

    Did: made two calls that succeed and one that fails, over a real channel.
    Saw: server and client each count 2 with OK and 1 with NOT_FOUND, and a duration for each call.
    Otherwise: a method without its own bookkeeping would be missing.
    """

    async def scenario():
        async with front() as service:
            await service.stub.Submit(pb.SubmitRequest(job=pb.NewJob(type="echo")))
            await service.stub.Stats(pb.StatsRequest())
            try:
                await service.stub.Get(pb.GetRequest(id="nope"))
            except Exception:
                pass
            await asyncio.sleep(0)
            return service.registry, service.client_registry

    server, client = asyncio.run(scenario())
    method = "/jobqueue.v1.JobQueue/"
    for registry, side in ((server, "server"), (client, "client")):
        for name, code in (("Submit", "OK"), ("Stats", "OK"), ("Get", "NOT_FOUND")):
            assert value(registry, f"grpc_{side}_handled_total", method=method + name, code=code) == 1
            assert value(registry, f"grpc_{side}_handling_seconds_count", method=method + name) == 1


# --8<-- [end:red]


def ended_with(behaviour, **call):
    """Call a server that has no interceptor but the metrics; return the status for the caller, and the one counted."""

    async def scenario(folder):
        registry = CollectorRegistry()
        server = grpc.aio.server(interceptors=[ScopeInterceptor(red_metrics(registry))])
        methods = {"Do": grpc.unary_unary_rpc_method_handler(behaviour)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Jobs", methods),))
        server.add_insecure_port(f"unix:{folder}/s")
        await server.start()
        async with grpc.aio.insecure_channel(f"unix:{folder}/s") as channel:
            try:
                await channel.unary_unary("/Jobs/Do")(b"", **call)
            except grpc.aio.AioRpcError as error:
                seen = error.code()
        await server.stop(5)
        counted = [code for code in grpc.StatusCode if value(
            registry, "grpc_server_handled_total", method="/Jobs/Do", code=code.name
        )]  # fmt: skip
        return seen, counted

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(scenario(folder))


def test_an_exception_is_counted_as_the_status_that_its_caller_gets():
    async def bug(_request, _context):
        raise KeyError("id")

    assert ended_with(bug) == (grpc.StatusCode.UNKNOWN, [grpc.StatusCode.UNKNOWN])


def test_a_call_that_its_caller_gave_up_is_counted_as_cancelled():
    async def never(_request, _context):
        await asyncio.Event().wait()

    assert ended_with(never, timeout=0.05) == (grpc.StatusCode.DEADLINE_EXCEEDED, [grpc.StatusCode.CANCELLED])


def handlers_that_fail_once():
    handlers = Handlers(RetryPolicy(base_s=0.001, cap_s=0.001))
    seen = asyncio.Event()

    @handlers.handler("flaky")
    async def flaky(job):
        if job.attempt == 1:
            raise TransientError("the first attempt")
        seen.set()

    return handlers, seen


async def work_until(store, handlers, observer, done):
    settings = WorkerSettings(concurrency=2)
    worker = Worker(store, handlers, SystemClock(), observer, random.Random(1), worker_id="w", settings=settings)
    worker.start()
    await asyncio.wait_for(done.wait(), 20)
    await worker.drain()


def test_one_trace_runs_from_the_submit_through_each_attempt(front):
    """A trace that ends at the queue says nothing about why a job was late.

    Did: submitted a job over gRPC with tracing on, and let a worker run it, the first attempt failing.
    Saw: submit, two claims and two attempts in one trace; each attempt under its claim; the first one failed.
    Otherwise: the attempts would begin traces of their own.
    """
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")

    async def scenario():
        observer = OtelObserver(tracer, SystemClock())
        handlers, done = handlers_that_fail_once()
        async with front(observer=observer, tracer=tracer) as service:
            await service.stub.Submit(pb.SubmitRequest(job=pb.NewJob(type="flaky")))
            await work_until(service.store, handlers, observer, done)

    asyncio.run(scenario())
    spans = exporter.get_finished_spans()
    by_name = {}
    for span in spans:
        by_name.setdefault(span.name, []).append(span)
    (submit,) = by_name["jobqueue.v1.JobQueue/Submit"]
    claims, attempts = by_name["claim default"], by_name["process default"]
    assert len(claims) == len(attempts) == 2
    assert {span.context.trace_id for span in (submit, *claims, *attempts)} == {submit.context.trace_id}
    assert [span.parent.span_id for span in claims] == [submit.context.span_id] * 2
    assert [span.parent.span_id for span in attempts] == [span.context.span_id for span in claims]
    assert [span.status.is_ok for span in attempts] == [False, True]
    check_names(submit, claims[0], attempts[0])


def check_names(call, claim, attempt):
    """Compare with OpenTelemetry's semantic conventions for RPC and messaging."""
    assert call.kind is SpanKind.SERVER
    assert dict(call.attributes) == {
        "rpc.system.name": "grpc",
        "rpc.method": "jobqueue.v1.JobQueue/Submit",
        "rpc.response.status_code": "OK",
    }
    about = {
        "messaging.system": "jobqueue",
        "messaging.destination.name": "default",
        "messaging.message.id": f"{1:032x}",
        "jobqueue.job.type": "flaky",
        "jobqueue.job.attempt": 1,
    }
    receive = {"messaging.operation.name": "claim", "messaging.operation.type": "receive"}
    assert (claim.kind, dict(claim.attributes)) == (SpanKind.CLIENT, about | receive)
    process = {"messaging.operation.name": "process", "messaging.operation.type": "process"}
    ended = {"jobqueue.job.outcome": "retried", "error.type": "jobqueue.domain.errors.TransientError"}
    assert (attempt.kind, dict(attempt.attributes)) == (SpanKind.CONSUMER, about | process | ended)


def test_a_call_that_the_server_failed_is_an_error_and_one_that_was_refused_is_not(front):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    class Broken(MemoryJobStore):
        async def submit(self, *_, **__):
            raise StoreUnavailable("away")

    async def scenario():
        async with front(store=Broken(), tracer=provider.get_tracer("test")) as service:
            for call in (
                service.stub.Submit(pb.SubmitRequest(job=pb.NewJob(type="echo"))),
                service.stub.Get(pb.GetRequest(id="no")),
            ):
                with pytest.raises(grpc.aio.AioRpcError):
                    await call

    asyncio.run(scenario())
    seen = {span.attributes["rpc.response.status_code"]: span for span in exporter.get_finished_spans()}
    assert seen["UNAVAILABLE"].status.status_code is StatusCode.ERROR
    assert seen["UNAVAILABLE"].attributes["error.type"] == "UNAVAILABLE"
    assert seen["NOT_FOUND"].status.status_code is StatusCode.UNSET
    assert "error.type" not in seen["NOT_FOUND"].attributes


def test_attempts_are_counted_by_outcome_without_a_line_in_a_handler():
    """The worker's side of the same: no handler knows of metrics.

    Did: let a worker run a job whose first attempt fails.
    Saw: jobs_processed_total counts one retried and one done; the histogram holds two durations.
    Otherwise: the handler would have to count, and the failed attempt would be missing.
    """
    registry = CollectorRegistry()

    async def scenario():
        from jobqueue.application.submit import JobRequest, Submitter

        store, observer = MemoryJobStore(), PrometheusObserver(registry)
        handlers, done = handlers_that_fail_once()
        submitter = Submitter(store, SystemClock(), observer, lambda: "0" * 32)
        await submitter.submit("default", JobRequest("flaky"))
        await work_until(store, handlers, observer, done)

    asyncio.run(scenario())
    assert value(registry, "jobs_processed_total", queue="default", status="retried") == 1
    assert value(registry, "jobs_processed_total", queue="default", status="done") == 1
    assert value(registry, "job_duration_seconds_count", queue="default") == 2
    assert value(registry, "jobs_submitted_total", queue="default") == 1
