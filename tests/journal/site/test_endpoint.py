"""The endpoint through which a page shares the history: what it takes, and everything it refuses."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import threading

import pytest
from mkdocs.livereload import LiveReloadServer

from journal.review.day import now_utc
from journal.review.history import History
from journal.review.history.events import MAX_LINE_BYTES, new_event, parse_line
from journal.site import endpoint, hooks
from journal.site.endpoint import PATH, HistoryEndpoint, policy_of
from journal.site.serving import listen, static_site

PAGE = "<html><head><title>x</title></head><body>y</body></html>"


def review(card="backoff-01", rating=3):
    return new_event("review", {"card": card, "rating": rating, "where": "page"}, now_utc())


class Served:
    def __init__(self, server, history):
        self.port = server.server_port
        self.history = history

    def ask(self, method="GET", path=PATH, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        own = {"Host": f"127.0.0.1:{self.port}", "X-Redrive": "1"}
        if method == "POST":
            own |= {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": "application/json"}
        sent = own | {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        return answer.status, content, answer

    def post(self, event, **headers):
        return self.ask("POST", body=event.line.encode(), **headers)

    def stored(self):
        return [event.id for event in self.history.load().events]


@pytest.fixture
def served(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    (folder / "a.js").write_text("</head>", encoding="utf-8")
    history = History(tmp_path / "history.jsonl")
    server = listen(HistoryEndpoint(static_site(folder), history), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Served(server, history)
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_event_is_on_the_disk_when_it_is_acknowledged_and_comes_back(served):
    event = review()
    status, content, answer = served.post(event)
    assert (status, json.loads(content)) == (201, {"id": event.id})
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert served.stored() == [event.id]
    status, content, answer = served.ask()
    assert status == 200
    assert json.loads(content)["events"] == [event.line]
    assert answer.getheader("Cache-Control") == "no-store"


def test_since_gives_only_what_another_program_added_meanwhile(served):
    served.post(review())
    after = json.loads(served.ask()[1])["next"]
    assert json.loads(served.ask(path=f"{PATH}?since={after}")[1]) == {"events": [], "next": after, "whole": False}
    other = review("backoff-02")
    served.history.append(other)
    found = json.loads(served.ask(path=f"{PATH}?since={after}")[1])
    assert (found["events"], found["whole"]) == ([other.line], False)


@pytest.mark.parametrize("since", [7, 10**9])
def test_a_history_that_is_another_file_than_before_comes_whole(served, since):
    event = review()
    served.history.append(event)
    found = json.loads(served.ask(path=f"{PATH}?since={since}")[1])
    assert (found["events"], found["whole"]) == ([event.line], True)


def test_a_line_that_is_still_being_written_comes_with_the_next_request(served):
    served.history.append(review())
    torn = review("backoff-02")
    with served.history.path.open("ab") as file:
        file.write(torn.line[:40].encode())
    found = json.loads(served.ask()[1])
    assert len(found["events"]) == 1
    with served.history.path.open("ab") as file:
        file.write(torn.line[40:].encode() + b"\n")
    assert json.loads(served.ask(path=f"{PATH}?since={found['next']}")[1])["events"] == [torn.line]


def test_an_event_sent_twice_is_stored_once(served):
    event = review()
    assert served.post(event)[0] == 201
    assert served.post(event)[0] == 200
    assert served.stored() == [event.id]


def test_an_event_that_the_terminal_wrote_is_known_as_well(served):
    event = review()
    served.history.append(event)
    assert served.post(event)[0] == 200
    assert served.stored() == [event.id]


def test_another_event_under_a_known_id_is_refused(served):
    event = review(rating=3)
    served.post(event)
    assert served.post(parse_line(event.line.replace('"rating":3', '"rating":4')))[0] == 409
    assert served.history.load().events[0].fields["rating"] == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},
        {"Host": "example.org"},
        {"Host": "example.org:{port}", "Origin": "http://example.org:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1.example.org:{port}"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"X_Redrive": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_whoever_is_not_this_servers_own_page_is_refused(served, method, headers):
    headers = {name: value and value.format(port=served.port) for name, value in headers.items()}
    served.history.append(review("secret-01"))
    status, content, answer = served.ask(method, body=review().line if method == "POST" else None, **headers)
    assert status == 403
    assert "secret-01" not in content
    assert answer.getheader("Access-Control-Allow-Origin") is None
    assert len(served.stored()) == 1


def test_another_machine_is_refused(tmp_path):
    seen = []
    app = HistoryEndpoint(static_site(tmp_path), History(tmp_path / "history.jsonl"))
    environ = {"PATH_INFO": PATH, "REQUEST_METHOD": "GET", "SERVER_PORT": "8000", "HTTP_HOST": "127.0.0.1:8000"}
    app(environ | {"HTTP_X_REDRIVE": "1", "REMOTE_ADDR": "192.0.2.7"}, lambda status, _: seen.append(status))
    app(environ | {"HTTP_X_REDRIVE": "1", "REMOTE_ADDR": "127.0.0.1"}, lambda status, _: seen.append(status))
    assert seen == ["403 Forbidden", "200 OK"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_any_other_method_is_refused(served, method):
    assert served.ask(method)[0] == 405


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None, ""])
def test_anything_but_json_is_refused(served, kind):
    assert served.post(review(), Content_Type=kind)[0] == 415
    assert served.stored() == []


@pytest.mark.parametrize("size", [MAX_LINE_BYTES + 1, 3_000_000])
def test_an_oversized_event_is_refused_unread(served, size):
    status, content, _ = served.ask("POST", body=b" " * size)
    assert status == 413
    assert str(MAX_LINE_BYTES) in content
    assert served.stored() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"not json",
        b"\xff\xfe",
        review().line.replace('"rating":3', '"rating":5').encode(),
        review().line.replace("backoff-01", "<script>").encode(),
        review().line[:-1].encode() + b',"code":"import os"}',
        review().line.encode() + b"\n" + review().line.encode(),
        review().line.replace('"v":1', '"v":2').encode(),
        b"[" * 4000,
    ],
    ids=[
        *("nothing", "no event", "a list", "no JSON", "no UTF-8", "a rating of 5", "no card", "a field too many"),
        *("two events", "a later version", "a deep list"),
    ],
)
def test_a_malformed_event_is_refused(served, body):
    status, content, _ = served.ask("POST", body=body)
    assert status == 400
    assert json.loads(content)["error"]
    assert served.stored() == []


@pytest.mark.parametrize("since", ["-1", "x", "9" * 20, "1.5"])
def test_a_since_that_is_no_number_of_bytes_is_refused(served, since):
    assert served.ask(path=f"{PATH}?since={since}")[0] == 400


def test_a_disk_that_refuses_is_told_and_nothing_is_acknowledged(served, monkeypatch):
    def full(*events):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(served.history, "append", full)
    status, content, _ = served.post(review())
    assert status == 500
    assert "No space left" in content


def test_many_pages_at_once_lose_nothing(served):
    events = [review(f"backoff-{n:02}") for n in range(24)]
    threads = [
        threading.Thread(target=lambda part=part: [served.post(e) for e in part])
        for part in (events[::2], events[1::2])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(served.stored()) == sorted(event.id for event in events)


def test_a_page_is_told_of_the_endpoint_and_nothing_else_is_touched(served):
    status, content, answer = served.ask(path="/")
    assert status == 200
    assert f'<meta name="redrive-history" content="{PATH}"></head>' in content
    assert int(answer.getheader("Content-Length")) == len(content.encode())
    assert served.ask(path="/a.js")[1] == "</head>"
    assert "redrive-history" not in served.ask(path="/", Host="example.org")[1]
    assert served.ask(path="/none")[0] == 404


def test_a_history_in_memory_is_shared_as_well(tmp_path):
    app = HistoryEndpoint(static_site(tmp_path), History(None))
    event = review()
    app._history.append(event)
    environ = {"PATH_INFO": PATH, "REQUEST_METHOD": "GET", "SERVER_PORT": "80", "HTTP_HOST": "localhost"}
    body = b"".join(app(environ | {"HTTP_X_REDRIVE": "1", "REMOTE_ADDR": "::1"}, lambda *_: None))
    assert json.loads(body) == {"events": [event.line], "next": 0, "whole": True}


def test_the_reloading_script_of_mkdocs_is_allowed_by_its_hash_and_no_other():
    server = LiveReloadServer(lambda: None, "127.0.0.1", 0, ".")
    try:
        page = server._inject_js_into_html(b"<head></head><body><script>evil()</script></body>", 7)
    finally:
        server.server_close()
    policy = policy_of(page)
    script = page.split(b"<script>")[-1].split(b"</script>")[0]
    assert b"/livereload/" in script
    assert base64.b64encode(hashlib.sha256(script).digest()).decode() in policy
    assert base64.b64encode(hashlib.sha256(b"evil()").digest()).decode() not in policy
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert "sha256" not in policy_of(b"<body><script>evil()</script></body>")
    assert policy_of(b'<meta http-equiv="Content-Security-Policy" content="">') == ""


def test_mkdocs_serve_gets_the_endpoint(tmp_path, monkeypatch):
    monkeypatch.delenv("REDRIVE_NO_HISTORY", raising=False)
    monkeypatch.setenv("REDRIVE_HISTORY", str(tmp_path / "history.jsonl"))
    config = type("Config", (), {"config_file_path": str(tmp_path / "mkdocs.yml")})
    server = LiveReloadServer(lambda: None, "127.0.0.1", 0, str(tmp_path))
    try:
        app = hooks.on_serve(server, config=config, builder=None).get_app()
    finally:
        server.server_close()
    assert isinstance(app, endpoint.HistoryEndpoint)
    assert app._history.path == tmp_path / "history.jsonl"
