"""`/metrics` and `/healthz` over plain HTTP, in a thread of its own, so that a probe is answered by a busy process.

A worker is as healthy as its event loop: if the loop hasn't turned for `STALE_S` seconds, the process is unhealthy.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

STALE_S = 5.0


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


class Probe:
    """Serves the two pages until closed."""

    def __init__(self, address: str, registry: CollectorRegistry, health: Health) -> None:
        host, _, port = address.rpartition(":")

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                if self.path == "/metrics":
                    encode, kind = choose_encoder(self.headers.get("Accept", ""))
                    self._answer(200, kind, encode(registry))
                elif self.path == "/healthz":
                    ok, said = health.report()
                    self._answer(200 if ok else 503, "application/json", json.dumps(said).encode())
                else:
                    self._answer(404, "text/plain", b"try /metrics or /healthz\n")

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
                """Log nothing, because probes come every few seconds."""

        self._server = ThreadingHTTPServer((host.strip("[]"), int(port)), Handler)
        self._server.daemon_threads = True
        self.address = f"{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="probe", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
