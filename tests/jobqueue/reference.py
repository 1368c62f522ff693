"""The reference of what users of the service write against, made from the code.

`python -m tests.jobqueue.reference` writes it into docs/reference/interfaces.md, between the markers; a test compares.
"""

import ast
import inspect
import re
from importlib import resources
from pathlib import Path

from prometheus_client import CollectorRegistry

from jobqueue.adapters.prometheus_observer import PrometheusObserver
from jobqueue.adapters.redis_effects import once
from jobqueue.adapters.redis_keys import QueueKeys
from jobqueue.application.handlers import Handlers, stop_requested
from jobqueue.domain import errors
from jobqueue.domain.job import Job
from jobqueue.domain.retry import RetryPolicy
from jobqueue.entrypoints.grpc_client import CallsAround
from jobqueue.entrypoints.grpc_errors import STATUS
from jobqueue.entrypoints.grpc_scopes import red_metrics

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "interfaces.md"
BETWEEN = re.compile(r"(?<=<!-- reference: begin -->\n\n).*(?=\n\n<!-- reference: end -->)", re.DOTALL)
RPC = re.compile(r"((?:  // .*\n)*)  rpc (\w+)\((.*?)\) returns \((.*?)\);")
LOGS = re.compile(r"(?:self\._log|log|structlog\.get_logger\(\))(?:\.(debug|info|warning|error|exception))?")


def reference():
    """Return all sections as Markdown."""
    return "\n\n".join(
        [
            "## Calls {#calls}",
            table(("call", "request → answer", "what it does"), calls()),
            "## Handlers {#handlers}",
            *(described(each) for each in (Handlers.handler, Job, RetryPolicy, stop_requested, once)),
            "## Errors {#errors}",
            table(("error", "is a", "status of a call", "meaning"), raised()),
            "## Metrics {#metrics}",
            table(("metric", "type", "labels", "meaning"), metrics()),
            "## Log events {#log-events}",
            table(("event", "level", "fields"), sorted(set(log_events()))),
            "## Redis keys {#keys}",
            table(("key", "what is in it"), keys()),
        ]
    )


def calls():
    proto = resources.files("jobqueue.entrypoints.proto").joinpath("jobqueue.proto").read_text("utf-8")
    for comment, name, request, answer in RPC.findall(proto):
        yield f"`{name}`", f"`{request}` → `{answer}`", " ".join(re.findall(r"// (.*)", comment))


def described(thing):
    what = "class" if isinstance(thing, type) else "def"
    anchor = thing.__qualname__.lower().replace(".", "-")
    heading = f"### `{thing.__qualname__}` {{#{anchor}}}"
    return f"{heading}\n\n```text\n{what} {signature(thing)}\n\n{inspect.getdoc(thing)}\n```"


def signature(thing):
    parameters = str(inspect.signature(thing)).replace("jobqueue.domain.job.", "").replace("jobqueue.domain.retry.", "")
    return f"{thing.__name__}{parameters.replace('collections.abc.', '').replace('~', '')}"


def raised():
    status = {error: code.name for error, code in STATUS}
    for kind in vars(errors).values():
        if isinstance(kind, type) and kind.__module__ == errors.__name__:
            meaning = " ".join(inspect.getdoc(kind).partition("\n\n")[0].split())
            yield f"`{kind.__name__}`", f"`{kind.__bases__[0].__name__}`", status.get(kind, ""), meaning


def metrics():
    registry = CollectorRegistry()
    PrometheusObserver(registry)
    red_metrics(registry)
    CallsAround("", registry)
    for family, collector in zip(registry.collect(), registry._collector_to_names, strict=True):
        name = f"{family.name}{'_total' * (family.type == 'counter')}"
        yield f"`{name}`", family.type, code(collector._labelnames), family.documentation


def log_events():
    """Find the calls of loggers in the source; a part of an event that is not written there shows as …."""
    for file in Path(str(resources.files("jobqueue"))).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            call = isinstance(node, ast.Call) and LOGS.fullmatch(ast.unparse(node.func))
            if call and file.name != "sample_handlers.py":
                parts = node.args[0].values if isinstance(node.args[0], ast.JoinedStr) else [node.args[0]]
                event = "".join(part.value if isinstance(part, ast.Constant) else "…" for part in parts)
                yield event, call[1] or "by outcome", code(keyword.arg for keyword in node.keywords)


def keys():
    comments = dict(re.findall(r"^    (\w+): str  # (.*)$", inspect.getsource(QueueKeys), re.MULTILINE))
    for name in QueueKeys._fields:
        yield f"`jobqueue:{{QUEUE}}:{name}`", comments[name]


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def code(names):
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(BETWEEN.sub(lambda _: reference(), PAGE.read_text("utf-8")), encoding="utf-8")
