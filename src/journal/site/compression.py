"""Answers in gzip, as static hosts give them: a page of 100 kB crosses even loopback, and a browser's cache, faster."""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# What is text; a font, a picture and Python for the page are compressed already.
_TEXT = ("text/", "application/json", "application/x-ipynb+json", "image/svg+xml")
_LEAST_BYTES = 1000


def compressed(application: WSGIApplication) -> WSGIApplication:
    """Return `application` with text of a thousand bytes or more in gzip, for a browser that takes it."""

    def compressing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "GET" or "gzip" not in environ.get("HTTP_ACCEPT_ENCODING", ""):
            return application(environ, start_response)
        began: list[tuple[str, list[tuple[str, str]]]] = []

        def begin(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            began.append((status, headers))
            return lambda _data: None

        answer = application(environ, begin)
        content = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        status, headers = began[-1]
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        if len(content) >= _LEAST_BYTES and kind.startswith(_TEXT):
            content = _gzip(content)
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers += [("Content-Encoding", "gzip"), ("Content-Length", str(len(content)))]
        start_response(status, [*headers, ("Vary", "Accept-Encoding")])
        return [content]

    return compressing


@lru_cache(maxsize=256)
def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)
