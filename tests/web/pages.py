"""Which pages the built site has, one of each kind, and a server that behaves like a static host."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from journal.site.serving import content_type

ROOT = Path(__file__).resolve().parents[2]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@lru_cache(maxsize=64)
def compressed(content):
    """Compress as a static host does, which keeps the result: Python for the page has 11 MB."""
    return gzip.compress(content, 6, mtime=0)


@contextmanager
def served(folder, prefix="/"):
    """Serve `folder` on loopback below `prefix`, compressed as static hosts do it; yields the address of `prefix`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = unquote(urlsplit(self.path).path)
            file = folder / path.removeprefix(prefix) if path.startswith(prefix) else folder / "\0"
            try:
                if file.is_dir():
                    file /= "index.html"
                content, status = file.read_bytes(), 200
            except (OSError, ValueError):
                content, status = b"not found", 404
            self.send_response(status)
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                content = compressed(content)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Type", content_type(file.name))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{prefix}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pages_of(folder):
    """Return the address of every page, relative to the site."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        name = path.relative_to(folder).as_posix()
        if name != "404.html":
            found.append(name.removesuffix("index.html"))
    return found


KINDS = {
    "home": "index.html",
    "journal index": "journal/index.html",
    "week": "journal/*/*/index.html",
    "roadmap": "roadmap/index.html",
    "lesson": "lessons/day-*/index.html",
    "recall": "recall/*/index.html",
    "exercise": "exercises/*/index.html",
    "cards": "quizzes/*/index.html",
    "notebook": "notebooks/*/index.html",
    "decision log": "adr/index.html",
    "decision": "adr/*/index.html",
    "lifecycle": "reference/lifecycle/index.html",
    "map": "reference/map/index.html",
    "glossary": "reference/glossary/index.html",
}


def page_of(folder, kind):
    """Return the address of the longest page of a kind, which is the one with the most on it."""
    found = sorted(folder.glob(KINDS[kind]), key=lambda path: path.stat().st_size)
    assert found, f"the site has no page of the kind {kind!r} ({KINDS[kind]})"
    return found[-1].relative_to(folder).as_posix().removesuffix("index.html")
