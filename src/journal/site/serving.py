"""Serve the built site on this machine, and on no other: a small WSGI application and its server.

WSGI, because that is what `mkdocs serve` speaks as well, so that one endpoint can stand before either.
"""

from __future__ import annotations

import mimetypes
import socket
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}
_TYPES |= {".woff2": "font/woff2", ".svg": "image/svg+xml", ".ipynb": "application/x-ipynb+json"}


class PortInUseError(Exception):
    """Somebody else listens on the port; `free` is the next one that nobody uses."""

    def __init__(self, port: int, free: int) -> None:
        super().__init__(f"port {port} is in use on this machine")
        self.port = port
        self.free = free


def static_site(folder: Path) -> WSGIApplication:
    """Return an application that answers GET and HEAD with the files of `folder`."""
    base = folder.resolve()

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method not in {"GET", "HEAD"}:
            return _answer(start_response, HTTPStatus.METHOD_NOT_ALLOWED, b"", [("Allow", "GET, HEAD")])
        path = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
        file = (base / path.lstrip("/")).resolve()
        if file != base and base not in file.parents:
            return _missing(base, start_response)
        if file.is_dir():
            if not path.endswith("/"):
                where = quote(f"{path}/")
                return _answer(start_response, HTTPStatus.MOVED_PERMANENTLY, b"", [("Location", where)])
            file /= "index.html"
        if not file.is_file():
            return _missing(base, start_response)
        content = file.read_bytes()
        headers = [("Content-Type", content_type(file.name)), ("Cache-Control", "no-cache")]
        return _answer(start_response, HTTPStatus.OK, content, headers, head=method == "HEAD")

    return application


def content_type(name: str) -> str:
    """Return the Content-Type of a file, whatever this machine's own table of types says of it."""
    suffix = f".{name.rpartition('.')[2]}"
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") or kind.endswith("json") else kind


def _missing(base: Path, start_response: StartResponse) -> Iterable[bytes]:
    page = base / "404.html"
    content = page.read_bytes() if page.is_file() else b"not found"
    return _answer(start_response, HTTPStatus.NOT_FOUND, content, [("Content-Type", "text/html; charset=utf-8")])


def _answer(
    start_response: StartResponse,
    status: HTTPStatus,
    content: bytes,
    headers: list[tuple[str, str]],
    *,
    head: bool = False,
) -> Iterable[bytes]:
    length = ("Content-Length", str(len(content)))
    start_response(f"{status.value} {status.phrase}", [*headers, length, ("X-Content-Type-Options", "nosniff")])
    return [] if head else [content]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # On Linux and macOS this lets a restart take the port of a server that has just ended, and nothing more.
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a browser hangs up."""


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay silent: the terminal is for the address."""


def listen(application: WSGIApplication, port: int) -> _Server:
    """Return a server on loopback that listens already; `serve_forever()` makes it answer. Port 0 takes any free one.

    Raises:
        PortInUseError: somebody else has the port.
    """
    if port and not is_free(port):
        raise PortInUseError(port, next_free(port + 1))
    try:
        server = _Server((HOST, port), _Handler)
    except OSError as error:
        raise PortInUseError(port, next_free(port + 1)) from error
    server.set_app(application)
    return server


def is_free(port: int) -> bool:
    """Return whether nobody listens on `port` of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex((HOST, port)) != 0


def next_free(port: int) -> int:
    """Return the first port from `port` on that nobody uses; 0, which means any, when the next hundred are taken."""
    return next((candidate for candidate in range(port, min(port + 100, 65536)) if is_free(candidate)), 0)
