"""The one door between a page and this machine: it stores events of the learner's history, and tells proofs' marks.

While the site is served locally, a page reads and adds events here, so that page, terminal and notebook share one
history. The wrapper stands before any WSGI application that serves the site (`journal site`, `mkdocs serve`), and names
the endpoint in the head of each page; a page without that name keeps its history in the browser.

    GET  /-/history?since=N   200 {"events": ["<line>", …], "next": N, "whole": false}
    POST /-/history           201 {"id": "<32 hex>"}, or 200 when the same event is there already
    GET  /-/proofs?pause=N    200 {"states": {"<test>": "passed", …}, "running": true}

`N` counts bytes of the history's file, which only grows; `whole` says that the file is another one than before. Proofs
that run in the background wait for `pause` seconds, in which the page runs an exercise. A request from another origin,
by another host name or from another machine gets 403.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs

from journal.review.history.events import MAX_LINE_BYTES, EventError, parse_line
from journal.review.history.store import read_events
from journal.site.policy import CONTENT_SECURITY_POLICY
from journal.site.proof_marks import stamped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from journal.proofs.mark import Mark
    from journal.review.history.events import Event
    from journal.review.history.store import History

PATH = "/-/history"
PROOFS = "/-/proofs"
_LONGEST_PAUSE_S = 600
_NAMES = ("127.0.0.1", "localhost", "[::1]")
_CLIENTS = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
# What is read of a body that is refused, so that the browser sees the answer and not a closed connection.
_DRAIN_BYTES = 1_000_000
_MARK = f'<meta name="redrive-history" content="{PATH}">'.encode()


class _RefusedError(Exception):
    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class Proofs(Protocol):
    """What the server knows of the proofs, and how it has them wait."""

    def known(self) -> Mapping[str, Mark]:
        """Return the mark of every proof."""

    @property
    def running(self) -> bool:
        """Whether marks may still turn."""

    def pause(self, seconds: float) -> None:
        """Run nothing for so long."""


class HistoryEndpoint:
    """A WSGI application that answers `PATH` from `history` and leaves everything else to `site`.

    With `proofs` it answers `PROOFS` too, and stamps their marks on the pages that `site` answers.
    """

    def __init__(self, site: WSGIApplication, history: History, proofs: Proofs | None = None) -> None:
        self._site = site
        self._history = history
        self._proofs = proofs
        self._lock = threading.Lock()
        self._known: dict[str, Event] = {}
        self._read_bytes = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        asked = environ.get("PATH_INFO", "")
        if asked != PATH and (asked != PROOFS or self._proofs is None):
            return self._marked(environ, start_response)
        try:
            _check_asker(environ)
            if asked == PROOFS:
                return _answer(start_response, HTTPStatus.OK, self._marks(environ))
            if _is_post(environ):
                status, content = self._add(environ)
                return _answer(start_response, status, content)
            return _answer(start_response, HTTPStatus.OK, self._events(environ))
        except _RefusedError as refused:
            _drain(environ)
            return _answer(start_response, refused.status, {"error": str(refused)})
        except OSError as error:
            why = f"the history could not be read or written: {error.strerror or error}"
            return _answer(start_response, HTTPStatus.INTERNAL_SERVER_ERROR, {"error": why})

    def _events(self, environ: WSGIEnvironment) -> dict[str, Any]:
        asked = parse_qs(environ.get("QUERY_STRING", "")).get("since", ["0"])[-1]
        if not re.fullmatch(r"[0-9]{1,15}", asked):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "since is no number of bytes")
        events, after, whole = self._after(int(asked))
        return {"events": [event.line for event in events], "next": after, "whole": whole}

    def _marks(self, environ: WSGIEnvironment) -> dict[str, Any]:
        assert self._proofs is not None
        asked = parse_qs(environ.get("QUERY_STRING", "")).get("pause", [""])[-1]
        if re.fullmatch(r"[0-9]{1,4}", asked):
            self._proofs.pause(min(int(asked), _LONGEST_PAUSE_S))
        states = {proof: mark.state for proof, mark in self._proofs.known().items()}
        return {"states": states, "running": self._proofs.running}

    def _add(self, environ: WSGIEnvironment) -> tuple[HTTPStatus, dict[str, Any]]:
        if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != "application/json":
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "an event is sent as application/json")
        length = environ.get("CONTENT_LENGTH", "")
        if not re.fullmatch(r"[0-9]{1,9}", length):
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "the request does not say how long its event is")
        if int(length) > MAX_LINE_BYTES:
            raise _RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the event has {length} bytes; at most {MAX_LINE_BYTES} are taken"
            )
        body = environ["wsgi.input"].read(int(length))
        environ["CONTENT_LENGTH"] = "0"
        try:
            event = parse_line(body.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "the event is no UTF-8 text") from error
        except EventError as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, f"the event {error}") from error
        if not event.kind:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "the event is of a later version than this server knows")
        with self._lock:
            self._catch_up()
            there = self._known.get(event.id)
            if there == event:
                return HTTPStatus.OK, {"id": event.id}
            if there is not None:
                raise _RefusedError(HTTPStatus.CONFLICT, f"another event has the id {event.id}")
            self._history.append(event)
        return HTTPStatus.CREATED, {"id": event.id}

    def _catch_up(self) -> None:
        events, self._read_bytes, whole = self._after(self._read_bytes)
        if whole:
            self._known.clear()
        self._known |= {event.id: event for event in events}

    def _after(self, since: int) -> tuple[tuple[Event, ...], int, bool]:
        """Return the events in the lines after the first `since` bytes, where they end, and whether that is all."""
        path = self._history.path
        if path is None:
            return self._history.load().events, 0, True
        if not path.exists():
            return (), 0, since > 0
        with path.open("rb") as file:
            # The byte before must end a line, or `since` was counted in another file.
            file.seek(max(0, since - 1))
            data = file.read()
        whole = since > 0 and data[:1] != b"\n"
        if whole:
            since, data = 0, path.read_bytes()
        elif since:
            data = data[1:]
        # A line that another process is still writing comes with the next request.
        end = data.rfind(b"\n") + 1
        return read_events(data[:end], str(path)).events, since + end, whole

    def _marked(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let the site answer; name the endpoint in a page's head, and give `mkdocs serve` its page's policy."""
        if environ["REQUEST_METHOD"] != "GET" or _fault_of_host(environ):
            return self._site(environ, start_response)
        began: list[tuple[str, list[tuple[str, str]]]] = []

        def begin(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            began.append((status, headers))
            return lambda _data: None

        answer = self._site(environ, begin)
        status, headers = began[-1]
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        if not status.startswith("200") or not kind.startswith("text/html"):
            start_response(status, headers)
            return answer
        content = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        policy = policy_of(content)
        content = content.replace(b"</head>", _MARK + b"</head>", 1)
        if self._proofs is not None and b"data-proof" in content:
            content = stamped(content.decode("utf-8"), self._proofs.known()).encode("utf-8")
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(
            status,
            [*kept, ("Content-Length", str(len(content))), *([("Content-Security-Policy", policy)] if policy else [])],
        )
        return [content]


def policy_of(page: bytes) -> str:
    """Return the policy for a page that brings none in its head: `mkdocs serve` adds a script that reloads the page.

    That script, the last of the page, is allowed by its hash; any other inline script is not.
    """
    if b'http-equiv="Content-Security-Policy"' in page:
        return ""
    script = page[page.rfind(b"<script>") + len(b"<script>") : page.rfind(b"</script>")]
    if b"/livereload/" not in script:
        return CONTENT_SECURITY_POLICY
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    return CONTENT_SECURITY_POLICY.replace("script-src 'self'", f"script-src 'self' 'sha256-{digest}'")


def _check_asker(environ: WSGIEnvironment) -> None:
    """Let only this server's own pages in.

    A page of another site cannot set the header X-Redrive without asking first (OPTIONS, which is refused), and cannot
    choose Origin, Host or Sec-Fetch-Site at all. A name that was made to lead here (DNS rebinding) stands in Host.
    """
    fault = _fault_of_host(environ)
    origin = environ.get("HTTP_ORIGIN")
    if not fault and environ.get("REMOTE_ADDR") not in _CLIENTS:
        fault = "asked from another machine"
    if not fault and origin is not None and origin != f"http://{environ['HTTP_HOST']}":
        fault = "asked by a page of another origin"
    if not fault and environ.get("HTTP_SEC_FETCH_SITE", "same-origin") != "same-origin":
        fault = "asked by a page of another site"
    if not fault and environ.get("HTTP_X_REDRIVE") != "1":
        fault = "asked by something that is no page of this site: the header X-Redrive is missing"
    if fault:
        raise _RefusedError(HTTPStatus.FORBIDDEN, fault)


def _is_post(environ: WSGIEnvironment) -> bool:
    method = environ["REQUEST_METHOD"]
    if method not in {"GET", "POST"}:
        raise _RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} is not GET or POST")
    return bool(method == "POST")


def _fault_of_host(environ: WSGIEnvironment) -> str:
    port = environ.get("SERVER_PORT", "")
    allowed = {f"{name}:{port}" for name in _NAMES} | ({*_NAMES} if port == "80" else set())
    return "" if environ.get("HTTP_HOST") in allowed else "asked by another host name than this machine's own"


def _drain(environ: WSGIEnvironment) -> None:
    length = environ.get("CONTENT_LENGTH", "")
    if re.fullmatch(r"[0-9]{1,9}", length) and environ.get("wsgi.input") is not None:
        environ["wsgi.input"].read(min(int(length), _DRAIN_BYTES))


def _answer(start_response: StartResponse, status: HTTPStatus, content: dict[str, Any]) -> Iterable[bytes]:
    body = json.dumps(content, ensure_ascii=False).encode("utf-8")
    start_response(
        f"{status.value} {status.phrase}",
        [
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ],
    )
    return [body]
