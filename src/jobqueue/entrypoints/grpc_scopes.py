"""Interceptors as scopes: code around every call, written once for unary and streaming methods.

grpc.aio asks an interceptor for a handler of one of four shapes. A *scope* is an asynchronous context manager around
the handler's run; this file knows how to put one around each shape, so that metrics, tracing, access and error
translation are a few lines each.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
from grpc.aio import ServicerContext
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Histogram

SERVER_ERRORS = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}

Scope = Callable[[str, "ServicerContext[Any, Any]"], AbstractAsyncContextManager[None]]
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[Any, Any] | None"]]


# --8<-- [start:scope-interceptor]
class ScopeInterceptor(grpc.aio.ServerInterceptor):
    """Runs every call of a server inside a scope; the first interceptor of the server's list is the outermost."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Return the method's handler with the scope around it."""
        inner = await continuation(handler_call_details)
        return inner if inner is None else _surrounded(inner, handler_call_details.method, self._scope)


# --8<-- [end:scope-interceptor]


def _surrounded(inner: Any, method: str, scope: Scope) -> "grpc.RpcMethodHandler[Any, Any]":
    """Return a handler of the same shape as `inner`, run inside the scope.

    The request is decoded inside the innermost scope, too. grpc.aio would do it before any of them, and answer UNKNOWN,
    uncounted, to bytes that are no message of the method.
    """
    decode = inner.request_deserializer or (lambda raw: raw)

    def decoded(request: Any) -> Any:
        return (decode(raw) async for raw in request) if inner.request_streaming else decode(request)

    kind = f"{'stream' if inner.request_streaming else 'unary'}_{'stream' if inner.response_streaming else 'unary'}"
    behaviour = getattr(inner, kind)

    async def one(request: Any, context: "ServicerContext[Any, Any]") -> Any:
        async with scope(method, context):
            return await behaviour(decoded(request), context)

    async def many(request: Any, context: "ServicerContext[Any, Any]") -> AsyncIterator[Any]:
        async with scope(method, context):
            async for response in behaviour(decoded(request), context):
                yield response

    # A streaming method may be a generator, or, as the health service's is, a coroutine that writes to the context.
    streams = inner.response_streaming and inspect.isasyncgenfunction(behaviour)
    make = getattr(grpc, f"{kind}_rpc_method_handler")
    handler: grpc.RpcMethodHandler[Any, Any] = make(
        many if streams else one,
        request_deserializer=None,
        response_serializer=inner.response_serializer,
    )
    return handler


def red_metrics(registry: CollectorRegistry) -> Scope:
    """Return a scope that counts calls by method and status, and records their durations: rate, errors, duration."""
    handled = Counter("grpc_server_handled", "Calls that ended.", ("method", "code"), registry=registry)
    seconds = Histogram("grpc_server_handling_seconds", "Duration of calls.", ("method",), registry=registry)

    @asynccontextmanager
    async def scope(method: str, context: "ServicerContext[Any, Any]") -> AsyncIterator[None]:
        # --8<-- [start:red-interceptor]
        begun = time.perf_counter()
        ended = grpc.StatusCode.UNKNOWN
        try:
            yield
            ended = grpc.StatusCode.OK
        except (asyncio.CancelledError, GeneratorExit):
            ended = grpc.StatusCode.CANCELLED
            raise
        finally:
            handled.labels(method, _status(context, ended).name).inc()
            seconds.labels(method).observe(time.perf_counter() - begun)
        # --8<-- [end:red-interceptor]

    return scope


def _status(context: "ServicerContext[Any, Any]", otherwise: grpc.StatusCode) -> grpc.StatusCode:
    """Return the status that the call ends with, as far as it has been set."""
    code = context.code()
    if isinstance(code, grpc.StatusCode):
        return code
    known = {status.value[0]: status for status in grpc.StatusCode}
    return known.get(code, otherwise) if code else otherwise


def tracing(tracer: trace.Tracer) -> Scope:
    """Return a scope that runs the call in a span, inside the caller's trace if it sent a `traceparent`.

    Name and attributes are those of OpenTelemetry's semantic conventions for RPC: only a status for which the server is
    to blame makes the span an error.
    """
    propagator = TraceContextTextMapPropagator()

    @asynccontextmanager
    async def scope(method: str, context: "ServicerContext[Any, Any]") -> AsyncIterator[None]:
        carrier = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        parent = propagator.extract(carrier, Context())
        name = method.lstrip("/")
        about = {"rpc.system.name": "grpc", "rpc.method": name}
        with tracer.start_as_current_span(
            name, parent, trace.SpanKind.SERVER, attributes=about, record_exception=False, set_status_on_exception=False
        ) as span:
            code = grpc.StatusCode.UNKNOWN
            try:
                yield
                code = _status(context, grpc.StatusCode.OK)
            except BaseException:
                code = _status(context, grpc.StatusCode.CANCELLED)
                raise
            finally:
                span.set_attribute("rpc.response.status_code", code.name)
                if code in SERVER_ERRORS:
                    span.set_attribute("error.type", code.name)
                    span.set_status(trace.StatusCode.ERROR)

    return scope
