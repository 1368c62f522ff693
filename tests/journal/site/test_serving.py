"""Serving on loopback: files, redirects, what is refused, a port in use."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading

import pytest
from click.testing import CliRunner

from journal.site import commands
from journal.site.compression import compressed
from journal.site.serving import PortInUseError, content_type, listen, static_site


@pytest.fixture
def served(tmp_path):
    site = tmp_path / "site"
    (site / "a").mkdir(parents=True)
    (site / "index.html").write_text("home", encoding="utf-8")
    (site / "a" / "index.html").write_text("page a", encoding="utf-8")
    (site / "404.html").write_text("no such page", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    server = listen(static_site(site), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(server, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, answer


def test_a_folder_answers_with_its_index(served):
    assert ask(served, "/")[:2] == (200, "home")
    assert ask(served, "/a/")[:2] == (200, "page a")
    assert ask(served, "/a/index.html?x=1")[:2] == (200, "page a")


def test_a_folder_without_its_slash_is_redirected(served):
    status, _, answer = ask(served, "/a")
    assert (status, answer.getheader("Location")) == (301, "/a/")


def test_a_missing_page_gets_the_sites_own_404(served):
    assert ask(served, "/none/")[:2] == (404, "no such page")


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "//../secret.txt", "/a/../../secret.txt"])
def test_a_path_out_of_the_site_is_refused(served, path):
    status, body, _ = ask(served, path)
    assert status == 404
    assert "secret" not in body


def test_only_reading_is_served(served):
    assert ask(served, "/", "POST")[0] == 405
    status, body, answer = ask(served, "/", "HEAD")
    assert (status, body, answer.getheader("Content-Length")) == (200, "", "4")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.wasm", "application/wasm"),
        ("a.html", "text/html; charset=utf-8"),
        ("a.woff2", "font/woff2"),
        ("a.whl", "application/octet-stream"),
    ],
)
def test_types_do_not_depend_on_the_machine(name, expected):
    assert content_type(name) == expected


@pytest.fixture
def taken():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_port_in_use_names_the_next_free_one(taken, tmp_path):
    with pytest.raises(PortInUseError) as caught:
        listen(static_site(tmp_path), taken)
    assert caught.value.port == taken
    assert caught.value.free > taken


def test_site_with_a_port_in_use_says_what_to_type(taken, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "_built", lambda root: tmp_path)
    result = CliRunner().invoke(commands.site, ["--port", str(taken)])
    assert result.exit_code == 1
    assert f"port {taken} is in use on this machine; try: journal site --port" in result.output


def test_site_without_a_port_takes_the_next_free_one(taken, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "_built", lambda root: tmp_path)
    monkeypatch.setattr(commands, "DEFAULT_PORT", taken)
    real = commands.listen
    monkeypatch.setattr(commands, "listen", lambda application, port: _Stopped(real(application, port)))
    result = CliRunner().invoke(commands.site, [])
    assert result.exit_code == 0, result.output
    assert f"port {taken} is in use on this machine; using " in result.output
    assert "Redrive is at http://127.0.0.1:" in result.output
    assert "Traceback" not in result.output


class _Stopped:
    """A server whose owner presses Ctrl+C at once."""

    def __init__(self, server):
        self._server = server
        self.server_port = server.server_port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.server_close()

    def serve_forever(self):
        raise KeyboardInterrupt


def test_text_is_compressed_for_a_browser_that_takes_it(tmp_path):
    page = "<p>word</p>" * 200
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    (tmp_path / "font.woff2").write_bytes(b"x" * 5000)
    ask_site = compressed(static_site(tmp_path))

    def ask_for(path, accepts="gzip, br"):
        began = {}
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_ACCEPT_ENCODING": accepts}
        body = b"".join(ask_site(environ, lambda _status, headers: began.update(headers)))
        assert int(began["Content-Length"]) == len(body)
        return began.get("Content-Encoding"), body

    encoding, body = ask_for("/")
    assert (encoding, gzip.decompress(body).decode()) == ("gzip", page)
    assert ask_for("/", accepts="") == (None, page.encode())
    assert ask_for("/font.woff2")[0] is None
