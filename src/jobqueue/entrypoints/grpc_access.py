"""Who may call: TLS or mutual TLS from files, and one bearer token, compared in constant time."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc.aio import ServicerContext

from jobqueue.entrypoints.grpc_scopes import Scope

OPEN_TO_ALL = "/grpc.health.v1.Health/"
"""Probes carry no secrets; health tells nothing about jobs."""


def bearer(token: str) -> Scope:
    """Return a scope that refuses calls without `authorization: Bearer <token>`."""
    wanted = f"Bearer {token}".encode()

    @asynccontextmanager
    async def scope(method: str, context: "ServicerContext[Any, Any]") -> AsyncIterator[None]:
        if not method.startswith(OPEN_TO_ALL):
            given = dict(context.invocation_metadata() or ()).get("authorization", "")
            if not hmac.compare_digest(given.encode() if isinstance(given, str) else given, wanted):
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "send metadata 'authorization: Bearer <token>'")
        yield

    return scope


def server_credentials(cert: str, key: str, client_ca: str) -> grpc.ServerCredentials:
    """Read PEM files; with `client_ca` a client must show a certificate signed by it."""
    ca = Path(client_ca).read_bytes() if client_ca else None
    pair = (Path(key).read_bytes(), Path(cert).read_bytes())
    return grpc.ssl_server_credentials([pair], root_certificates=ca, require_client_auth=ca is not None)


def channel_credentials(ca: str, cert: str, key: str) -> grpc.ChannelCredentials:
    """Read PEM files: `ca` signed the server's certificate; `cert` and `key` are the client's own, for mutual TLS."""

    def read(path: str) -> bytes | None:
        return Path(path).read_bytes() if path else None

    return grpc.ssl_channel_credentials(read(ca), read(key), read(cert))
