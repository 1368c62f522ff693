"""The queue page, `/metrics` and `/healthz` over HTTP, in a thread of its own: a busy process answers a probe, too.

A worker is as healthy as its event loop: if the loop hasn't turned for `STALE_S` seconds, the process is unhealthy.
"""

import contextlib
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from jobqueue.config import is_loopback
from jobqueue.domain.errors import StoreError
from jobqueue.entrypoints.queue_page import HEADERS, refusal

STALE_S = 5.0
ANSWER_LIMIT_S = 10.0
TLS_HANDSHAKE = b"\x16"
EMPTY: Mapping[str, str] = {}
ASK_PASSWORD = {"WWW-Authenticate": 'Basic realm="jobqueue", charset="UTF-8"'}
ONLY_HERE = b"the queue page is for this machine, or for HTTPS with JOBQUEUE_TLS_CERT and JOBQUEUE_TOKEN\n"


class Health:
    """The health of the process. The event loop writes it, and the probe's thread reads it."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._beaten_at = monotonic()
        self._facts: Mapping[str, Any] = {}
        self.draining = False

    def beat(self, facts: Mapping[str, Any]) -> None:
        """Note that the event loop still turns, with facts about the worker; its "defects" must be 0."""
        self._beaten_at = self._monotonic()
        self._facts = facts

    def report(self) -> tuple[bool, Mapping[str, Any]]:
        """Return whether the process is healthy, and why."""
        silent_s = self._monotonic() - self._beaten_at
        ok = silent_s < STALE_S and not self.draining and not self._facts.get("defects")
        return ok, {"ok": ok, "draining": self.draining, "loop_silent_s": round(silent_s, 3), **self._facts}


class _Server(ThreadingHTTPServer):
    """Answers in plain HTTP, and with a certificate in HTTPS too: a connection's first byte tells which one it is."""

    daemon_threads = True
    tls: ssl.SSLContext | None = None
    registry: CollectorRegistry
    health: Health
    page: Callable[[], str]
    token: str
    loopback: bool

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer one connection; if it breaks off, there is nothing to do."""
        request.settimeout(ANSWER_LIMIT_S)
        with contextlib.suppress(OSError):
            if self.tls is not None and request.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
                with self.tls.wrap_socket(request, server_side=True) as encrypted:
                    super().finish_request(encrypted, client_address)
            else:
                super().finish_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    timeout = ANSWER_LIMIT_S
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, kind, encode(self.server.registry))
        elif self.path == "/healthz":
            ok, said = self.server.health.report()
            self._answer(200 if ok else 503, "application/json", json.dumps(said).encode())
        elif self.path == "/":
            self._queues()
        else:
            self._answer(404, "text/plain", b"try /, /metrics or /healthz\n")

    def _queues(self) -> None:
        host = self.headers.get("Host", "")
        refused = refusal(
            loopback=self.server.loopback,
            host_is_loopback=is_loopback(host if re.search(r":[0-9]+$", host) else f"{host}:80"),
            encrypted=isinstance(self.connection, ssl.SSLSocket),
            token=self.server.token,
            authorization=self.headers.get("Authorization", ""),
        )
        if refused == HTTPStatus.UNAUTHORIZED:
            self._answer(refused, "text/plain", b"the password is JOBQUEUE_TOKEN\n", ASK_PASSWORD)
        elif refused:
            self._answer(refused, "text/plain", ONLY_HERE)
        else:
            try:
                self._answer(200, "text/html; charset=utf-8", self.server.page().encode(), HEADERS)
            except (StoreError, TimeoutError) as error:
                self._answer(503, "text/plain; charset=utf-8", f"{error or 'no answer in time'}\n".encode())

    def _answer(self, status: int, kind: str, body: bytes, headers: Mapping[str, str] = EMPTY) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Log nothing, because probes come every few seconds."""


class Probe:
    """Serves its pages until closed.

    Args:
        address: `host:port`.
        registry: What `/metrics` shows.
        health: What `/healthz` says.
        page: Returns the queue page; called in the probe's threads.
        token: Password of the page, for requests from other machines.
        certificate: PEM files of certificate chain and key; without them there is no HTTPS.
    """

    def __init__(
        self,
        address: str,
        registry: CollectorRegistry,
        health: Health,
        page: Callable[[], str],
        *,
        token: str = "",
        certificate: tuple[str, str] | None = None,
    ) -> None:
        host, _, port = address.rpartition(":")
        self._server = server = _Server((host.strip("[]"), int(port)), _Handler)
        server.registry, server.health, server.page, server.token = registry, health, page, token
        server.loopback = is_loopback(address)
        if certificate:
            server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.tls.load_cert_chain(*certificate)
        self.address = f"{host}:{server.server_port}"
        self._thread = threading.Thread(target=server.serve_forever, name="probe", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
