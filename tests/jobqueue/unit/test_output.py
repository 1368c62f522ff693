"""What the service writes for people and for tools: log lines, the name in traces, metrics and their exemplars."""

import urllib.request

import pytest
import structlog
from opentelemetry.trace import NoOpTracer
from prometheus_client import CollectorRegistry

from jobqueue import main
from jobqueue.adapters import log_observer
from jobqueue.adapters.otel_observer import tracer_provider
from jobqueue.adapters.prometheus_observer import PrometheusObserver
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.adapters.trace_context import exemplar_of, trace_id_of
from jobqueue.application.ports.observer import Outcome
from jobqueue.config import Settings
from jobqueue.entrypoints.probe_http import Health, Probe
from tests.jobqueue.fakes.jobs import job

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


class Sink:
    """A stream that may be a terminal."""

    def __init__(self, is_terminal):
        self.text, self._is_terminal = "", is_terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return self._is_terminal


@pytest.fixture(autouse=True)
def structlog_as_before():
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize(
    ("is_terminal", "no_color", "coloured"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_only_a_terminal_gets_colours_and_only_without_no_color(monkeypatch, is_terminal, no_color, coloured):
    sink = Sink(is_terminal)
    monkeypatch.setattr("sys.stderr", sink)
    monkeypatch.setenv("NO_COLOR", no_color)
    log_observer.configure(level="info", style="console")
    structlog.get_logger().info("working", queues=["default"])
    assert "working" in sink.text
    assert ("\x1b" in sink.text) is coloured


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "jobqueue"),
        ({"OTEL_SERVICE_NAME": "mailer"}, "mailer"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=mailer,deployment.environment.name=test"}, "mailer"),
    ],
)
def test_the_environment_names_the_service_in_traces(monkeypatch, environ, name):
    for variable in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    provider = tracer_provider("console")
    assert provider.resource.attributes["service.name"] == name
    assert "telemetry.sdk.language" in provider.resource.attributes
    provider.shutdown()


@pytest.mark.parametrize(("disabled", "traced"), [("true", False), ("TRUE", False), ("false", True)])
def test_the_environment_turns_tracing_off(monkeypatch, disabled, traced):
    monkeypatch.setenv("OTEL_SDK_DISABLED", disabled)
    figures = PrometheusObserver(CollectorRegistry())
    _, tracer, flush = main._observers(Settings(traces="console"), figures, SystemClock())
    assert (tracer is not None and not isinstance(tracer, NoOpTracer)) is traced
    flush()


@pytest.fixture
def metrics():
    """Return a function that asks the probe for its metrics, after one attempt of a job in a sampled trace."""
    registry = CollectorRegistry()
    PrometheusObserver(registry).attempt_ended(job(1, context=SAMPLED), None, Outcome.DONE, 0.004, None)
    probe = Probe("127.0.0.1:0", registry, Health(), str)

    def ask(accept):
        request = urllib.request.Request(f"http://{probe.address}/metrics", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    yield ask
    probe.close()


def test_metrics_are_openmetrics_with_exemplars_for_who_asks(metrics):
    """From a slow bucket of the histogram to the trace of a job that was slow."""
    kind, text = metrics("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")
    bucket = next(line for line in text.splitlines() if line.startswith('job_duration_seconds_bucket{le="0.005"'))
    assert f'# {{trace_id="{TRACE}"}} 0.004' in bucket


def test_metrics_are_plain_text_for_everybody_else(metrics):
    kind, text = metrics("*/*")
    assert kind.startswith("text/plain")
    assert "trace_id" not in text


@pytest.mark.parametrize(
    ("traceparent", "trace", "sampled"),
    [
        (SAMPLED["traceparent"], TRACE, True),
        (f"00-{TRACE}-00f067aa0ba902b7-00", TRACE, False),
        (f"00-{TRACE}-00f067aa0ba902b7-zz", "", False),
        (f"00-{'f' * 500}-00f067aa0ba902b7-01", "", False),
        ("nonsense", "", False),
        ("", "", False),
    ],
)
def test_a_traceparent_from_outside_may_be_anything(traceparent, trace, sampled):
    context = {"traceparent": traceparent}
    assert trace_id_of(context) == trace
    assert exemplar_of(context) == ({"trace_id": trace} if sampled else None)
