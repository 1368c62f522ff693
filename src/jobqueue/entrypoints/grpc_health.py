"""Health checks as gRPC defines them, with `Watch` streams that end when the server drains."""

import asyncio
from typing import Any

from grpc.aio import ServicerContext
from grpc_health.v1 import health, health_pb2

from jobqueue.domain.errors import ShuttingDown


# --8<-- [start:health]
class Health(health.aio.HealthServicer):  # type: ignore[misc]  # the package has no types
    """Tells whether the front serves, once or for as long as the caller listens."""

    def __init__(self) -> None:
        super().__init__()
        self._limits: set[asyncio.Timeout] = set()
        self._watches_end = False

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: ServicerContext[Any, Any]) -> None:
        """Send the status at each change, until the server drains."""
        try:
            async with asyncio.timeout(0 if self._watches_end else None) as limit:
                self._limits.add(limit)
                try:
                    await super().Watch(request, context)
                finally:
                    self._limits.discard(limit)
        except TimeoutError:
            raise ShuttingDown("this server is shutting down; watch the health of another one") from None

    def end_watches(self) -> None:
        """Let every `Watch` end: a probe that listens must not hold up the drain."""
        self._watches_end = True
        now = asyncio.get_running_loop().time()
        for limit in self._limits:
            limit.reschedule(now)


# --8<-- [end:health]
