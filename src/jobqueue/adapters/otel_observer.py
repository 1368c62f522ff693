"""OpenTelemetry spans for what the application reports. A trace continues across the queue.

A job carries the context of its submit as a W3C `traceparent`. Each attempt then has two spans in the submit's trace:
`claim QUEUE`, from the instant the job was due to the instant a worker began, and under it `process QUEUE`, the handler
itself. Time spent waiting is a span, not a gap.

Names and attributes are those of OpenTelemetry's semantic conventions for messaging; what they have no word for begins
with `jobqueue.`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.observer import Outcome
from jobqueue.domain.job import Job
from jobqueue.domain.verdict import type_name

_W3C = TraceContextTextMapPropagator()


class _Started(NamedTuple):
    span: Span
    token: object


def tracer_provider(exporter: str) -> TracerProvider:
    """Return a provider that exports in the background.

    Args:
        exporter: "console", or "otlp" (HTTP; the environment variables of OpenTelemetry say where to).

    Raises:
        ImportError: "otlp" without the extra `redrive[otlp]` installed.
    """
    named = Resource({"service.name": "jobqueue"}).merge(OTELResourceDetector().detect())  # the environment wins
    provider = TracerProvider(resource=Resource.create(named.attributes))
    sink: SpanExporter
    if exporter == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional

        sink = OTLPSpanExporter()
    else:
        sink = ConsoleSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(sink))
    return provider


class OtelObserver(SilentObserver):
    """Starts and ends the spans of attempts, and hands out the context that a submitted job takes along."""

    def __init__(self, tracer: trace.Tracer, clock: Clock) -> None:
        self._tracer = tracer
        self._clock = clock

    def carrier(self) -> Mapping[str, str]:
        """Return the current span's `traceparent`."""
        pairs: dict[str, str] = {}
        _W3C.inject(pairs)
        return pairs

    # --8<-- [start:across-the-queue]
    def attempt_started(self, job: Job) -> object:
        """Begin the attempt's span, under the claim's, in the trace of the submit."""
        submit = _W3C.extract(dict(job.context), Context())
        about: dict[str, AttributeValue] = {
            "messaging.system": "jobqueue",
            "messaging.destination.name": job.queue,
            "messaging.message.id": job.id,
            "jobqueue.job.type": job.type,
            "jobqueue.job.attempt": job.attempt,
        }
        claiming = about | {"messaging.operation.name": "claim", "messaging.operation.type": "receive"}
        processing = about | {"messaging.operation.name": "process", "messaging.operation.type": "process"}
        now_ns = int(self._clock.now() * 1e9)
        due_ns = min(int(job.due_at * 1e9), now_ns)
        claim = self._tracer.start_span(
            f"claim {job.queue}", submit, SpanKind.CLIENT, attributes=claiming, start_time=due_ns
        )
        claim.end(now_ns)
        parent = trace.set_span_in_context(claim, submit)
        attempt = self._tracer.start_span(f"process {job.queue}", parent, SpanKind.CONSUMER, attributes=processing)
        return _Started(attempt, otel_context.attach(trace.set_span_in_context(attempt, parent)))

    # --8<-- [end:across-the-queue]

    def attempt_ended(
        self, job: Job, started: object, outcome: Outcome, elapsed_s: float, error: BaseException | None
    ) -> None:
        """End the attempt's span; an error that ends a job marks it as failed."""
        del job, elapsed_s
        assert isinstance(started, _Started)
        started.span.set_attribute("jobqueue.job.outcome", outcome.value)
        if error is not None:
            started.span.set_attribute("error.type", type_name(error))
            started.span.record_exception(error)
            started.span.set_status(StatusCode.ERROR, type(error).__name__)
        started.span.end()
        otel_context.detach(started.token)  # type: ignore[arg-type]
