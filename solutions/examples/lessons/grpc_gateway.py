"""A gateway of a few lines, and its table: to which HTTP status grpc-gateway maps each gRPC status.

Source: grpc-gateway v2, runtime/errors.go; google/rpc/code.proto has the same numbers, as "HTTP Mapping".
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import grpc

CLIENT_CLOSED_REQUEST = 499
"""nginx's number for a client that went away; HTTP itself has none."""

HTTP_STATUS = {
    grpc.StatusCode.OK: HTTPStatus.OK,
    grpc.StatusCode.CANCELLED: CLIENT_CLOSED_REQUEST,
    grpc.StatusCode.UNKNOWN: HTTPStatus.INTERNAL_SERVER_ERROR,
    grpc.StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
    grpc.StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    grpc.StatusCode.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    grpc.StatusCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    grpc.StatusCode.FAILED_PRECONDITION: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.ABORTED: HTTPStatus.CONFLICT,
    grpc.StatusCode.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    grpc.StatusCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    grpc.StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS: HTTPStatus.INTERNAL_SERVER_ERROR,
}


async def gateway(channel: Any, method: str, timeout_s: float = 5.0) -> int:
    """Forward one call as a gateway does; return the HTTP status that its own caller gets."""
    # --8<-- [start:gateway]
    try:
        await channel.unary_unary(method)(b"", timeout=timeout_s)
    except grpc.aio.AioRpcError as error:
        return HTTP_STATUS[error.code()]
    return HTTP_STATUS[grpc.StatusCode.OK]
    # --8<-- [end:gateway]
