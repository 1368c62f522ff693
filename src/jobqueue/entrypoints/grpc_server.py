"""The gRPC server: interceptors in order, health, reflection, credentials, and a graceful shutdown."""

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry import trace
from prometheus_client import CollectorRegistry

from jobqueue.config import Settings
from jobqueue.domain.errors import InvalidSettings
from jobqueue.entrypoints.grpc_access import bearer, server_credentials
from jobqueue.entrypoints.grpc_errors import translated
from jobqueue.entrypoints.grpc_health import Health
from jobqueue.entrypoints.grpc_scopes import ScopeInterceptor, red_metrics, tracing
from jobqueue.entrypoints.grpc_service import GrpcService
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb
from jobqueue.entrypoints.proto.jobqueue_pb2_grpc import add_JobQueueServicer_to_server

SERVICE: str = pb.DESCRIPTOR.services_by_name["JobQueue"].full_name


# --8<-- [start:server]
class GrpcServer:
    """The front of one process.

    Args:
        settings: Address, token, certificates and limits.
        service: Answers the calls.
        registry: Gets the rate, errors and durations of all calls.
        tracer: Makes the spans of calls; None for no spans.
    """

    def __init__(
        self,
        settings: Settings,
        service: GrpcService,
        registry: CollectorRegistry,
        tracer: trace.Tracer | None = None,
    ) -> None:
        # The first is the outermost: a refused call is still counted, and an error is a status before it is counted.
        # --8<-- [start:scopes]
        scopes = [red_metrics(registry)]
        if tracer is not None:
            scopes.append(tracing(tracer))
        if settings.token:
            scopes.append(bearer(settings.token))
        scopes.append(translated)
        # --8<-- [end:scopes]
        limits = [
            ("grpc.max_receive_message_length", settings.message_limit),
            ("grpc.max_send_message_length", settings.message_limit),
            ("grpc.so_reuseport", 0),  # two servers on one port must fail, not share the calls between them
        ]
        self._server = grpc.aio.server(interceptors=[ScopeInterceptor(scope) for scope in scopes], options=limits)
        self._service = service
        add_JobQueueServicer_to_server(service, self._server)
        self._health = Health()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        self.address = self._bind(settings)

    async def start(self) -> None:
        """Begin to accept calls, and tell health checks so."""
        await self._server.start()
        await self._say(health_pb2.HealthCheckResponse.SERVING)

    async def drain(self, grace_s: float, *, pause_s: float = 0.0) -> None:
        """Say NOT_SERVING, answer new calls for `pause_s` more seconds, then refuse them and finish those in flight.

        A `Watch`, of a job or of the health, ends with UNAVAILABLE when the pause is over. Other calls may finish until
        `grace_s` seconds from now; then those that are left are cancelled.
        """
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        await asyncio.sleep(pause_s)
        self._service.end_watches()
        self._health.end_watches()
        await self._server.stop(max(0.0, grace_s - pause_s))

    # --8<-- [end:server]

    async def _say(self, status: Any) -> None:
        for name in (health.OVERALL_HEALTH, SERVICE):
            await self._health.set(name, status)

    def _bind(self, settings: Settings) -> str:
        try:
            if settings.tls_cert:
                credentials = server_credentials(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
                port = self._server.add_secure_port(settings.listen, credentials)
            else:
                port = self._server.add_insecure_port(settings.listen)
        except (RuntimeError, OSError) as error:
            raise InvalidSettings(
                [f"cannot listen on {settings.listen}: {error}; is another server there already?"]
            ) from error
        if settings.listen.startswith("unix:"):
            return settings.listen
        return f"{settings.listen.rpartition(':')[0]}:{port}"
