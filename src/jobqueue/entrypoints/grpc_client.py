"""A client's side of the front: a channel with credentials, and the same rate, errors and durations as the server's."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Histogram

from jobqueue.config import is_loopback
from jobqueue.domain.errors import InvalidSettings
from jobqueue.entrypoints.grpc_access import channel_credentials
from jobqueue.entrypoints.proto.jobqueue_pb2_grpc import JobQueueStub


@asynccontextmanager
async def connect(
    address: str,
    *,
    token: str = "",
    tls_ca: str = "",
    tls_cert: str = "",
    tls_key: str = "",
    message_limit: int = 16 * 1024 * 1024,
    registry: CollectorRegistry | None = None,
) -> AsyncIterator[JobQueueStub]:
    """Open a channel for the length of a block.

    Raises:
        InvalidSettings: The address isn't on loopback and `tls_ca` is missing: the token would be sent unencrypted.
    """
    if not tls_ca and not is_loopback(address):
        raise InvalidSettings([f"{address} is another machine: name the CA of its certificate with --tls-ca"])
    options = [("grpc.max_receive_message_length", message_limit), ("grpc.max_send_message_length", message_limit)]
    around = CallsAround(token, registry)
    interceptors = [around.unary_unary(), around.unary_stream(), around.stream_unary()]
    if tls_ca:
        credentials = channel_credentials(tls_ca, tls_cert, tls_key)
        channel = grpc.aio.secure_channel(address, credentials, options=options, interceptors=interceptors)
    else:
        channel = grpc.aio.insecure_channel(address, options=options, interceptors=interceptors)
    async with channel:
        yield JobQueueStub(channel)


class CallsAround:
    """Adds the token and the trace context to each call, and counts it when it ends."""

    def __init__(self, token: str, registry: CollectorRegistry | None) -> None:
        self._extra = (("authorization", f"Bearer {token}"),) if token else ()
        self._record: Callable[[str, str, float], None] = _recorder(registry) if registry else lambda *_: None
        self._recording: set[asyncio.Future[None]] = set()

    def unary_unary(self) -> grpc.aio.UnaryUnaryClientInterceptor:
        """Return the interceptor of plain calls."""
        around = self

        class Interceptor(grpc.aio.UnaryUnaryClientInterceptor):
            async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
                return await around.run(continuation, client_call_details, request)

        return Interceptor()

    def unary_stream(self) -> grpc.aio.UnaryStreamClientInterceptor:
        """Return the interceptor of calls that answer with a stream."""
        around = self

        class Interceptor(grpc.aio.UnaryStreamClientInterceptor):
            async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
                return await around.run(continuation, client_call_details, request)

        return Interceptor()

    def stream_unary(self) -> grpc.aio.StreamUnaryClientInterceptor:
        """Return the interceptor of calls that send a stream."""
        around = self

        class Interceptor(grpc.aio.StreamUnaryClientInterceptor):
            async def intercept_stream_unary(
                self, continuation: Any, client_call_details: Any, request_iterator: Any
            ) -> Any:
                return await around.run(continuation, client_call_details, request_iterator)

        return Interceptor()

    async def run(self, continuation: Any, details: Any, request: Any) -> Any:
        """Start the call with the extra metadata; count it when it is done, even if its caller has gone."""
        trace: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(trace)
        metadata = grpc.aio.Metadata(*(details.metadata or ()), *self._extra, *trace.items())
        begun = time.perf_counter()
        call = await continuation(details._replace(metadata=metadata), request)
        method = details.method.decode() if isinstance(details.method, bytes) else details.method

        async def record() -> None:
            self._record(method, (await call.code()).name, time.perf_counter() - begun)

        def ended(_: Any) -> None:
            # The status is known by now, but asking for it is a coroutine; a cancelled caller does not cancel it.
            task = asyncio.ensure_future(record())
            self._recording.add(task)
            task.add_done_callback(self._recording.discard)

        call.add_done_callback(ended)
        return call


def _recorder(registry: CollectorRegistry) -> Callable[[str, str, float], None]:
    handled = Counter("grpc_client_handled", "Calls that ended.", ("method", "code"), registry=registry)
    seconds = Histogram("grpc_client_handling_seconds", "Duration of calls.", ("method",), registry=registry)

    def record(method: str, code: str, elapsed_s: float) -> None:
        handled.labels(method, code).inc()
        seconds.labels(method).observe(elapsed_s)

    return record
