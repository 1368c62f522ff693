"""The queue page: what it shows, and to whom."""

import base64
import ssl
import urllib.error
import urllib.request

import pytest
import trustme
from prometheus_client import CollectorRegistry

from jobqueue.domain.errors import StoreUnavailable
from jobqueue.entrypoints.probe_http import Health, Probe
from jobqueue.entrypoints.queue_page import render
from tests.jobqueue.fakes.overviews import BUSY, EMPTY

PAGE = "<!doctype html><title>Queues</title>"
TOKEN = "påssword"


def basic(password):
    return {"Authorization": f"Basic {base64.b64encode(f'any:{password}'.encode()).decode()}"}


@pytest.fixture
def probe():
    """Return a function that starts a probe; all are closed at the end."""
    started = []

    def start(address="127.0.0.1:0", page=lambda: PAGE, **options):
        started.append(Probe(address, CollectorRegistry(), Health(), page, **options))
        return started[-1].address.rpartition(":")[2]

    yield start
    for each in started:
        each.close()


def ask(url, headers=None, trusted=None):
    """Return status, text and headers of an answer."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers or {}), timeout=10, context=trusted
        ) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


@pytest.fixture
def certificate(tmp_path):
    """PEM files of a certificate for localhost, and a context that trusts it."""
    authority, trusted = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trusted)
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    return (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")), trusted


def test_the_page_shows_every_figure_and_no_markup_of_others():
    text = render([BUSY, EMPTY], 0.0)
    for shown in ("1970-01-01 00:00:00 UTC", "<td>charge</td><td>12.5</td>", "KeyError", "host-1", "9.5 s"):
        assert shown in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text  # a queue of that name
    assert "Workers: none." in text


def test_on_loopback_the_page_is_open(probe):
    status, text, headers = ask(f"http://127.0.0.1:{probe()}/")
    assert (status, text) == (200, PAGE)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "status"), [("localhost:9464", 200), ("[::1]", 200), ("rebound.example", 403), ("", 403)]
)
def test_on_loopback_only_a_name_of_loopback_opens_it(probe, host, status):
    """A web page can let its own name point to this machine, and its script would read the answer."""
    assert ask(f"http://127.0.0.1:{probe()}/", {"Host": host})[0] == status


def test_from_elsewhere_the_page_needs_tls_and_the_token(probe, certificate):
    """Did: asked a probe on all addresses, in plain HTTP and HTTPS, without a password, with a wrong and the right one.

    Saw: only HTTPS with the right one got the page, plain HTTP never; both kept their metrics and health.
    Otherwise: a token would travel in clear text, or a stranger would see the names of errors and workers.
    """
    files, trusted = certificate
    port = probe("0.0.0.0:0", token=TOKEN, certificate=files)
    assert ask(f"http://localhost:{port}/", basic(TOKEN))[0] == 403
    for headers in (
        None,
        basic("wrong"),
        basic(""),
        {"Authorization": f"Bearer {TOKEN}".encode()},
        {"Authorization": "Basic ?"},
    ):
        status, _, said = ask(f"https://localhost:{port}/", headers, trusted)
        assert status == 401, headers
        assert said["WWW-Authenticate"].startswith("Basic realm=")
    assert ask(f"https://localhost:{port}/", basic(TOKEN), trusted)[:2] == (200, PAGE)
    for scheme in ("http", "https"):
        for path in ("metrics", "healthz"):
            assert ask(f"{scheme}://localhost:{port}/{path}", trusted=trusted if scheme == "https" else None)[0] == 200


@pytest.mark.parametrize("token", ["", TOKEN])
def test_without_a_certificate_or_a_token_nobody_elsewhere_gets_it(probe, certificate, token):
    files, trusted = certificate
    if token:
        assert ask(f"http://localhost:{probe('0.0.0.0:0', token=token)}/", basic(token))[0] == 403
    else:
        port = probe("0.0.0.0:0", certificate=files)
        assert ask(f"https://localhost:{port}/", basic(""), trusted)[0] == 403


def test_a_store_that_is_away_is_said_in_one_sentence(probe):
    def page():
        raise StoreUnavailable("the store did not answer")

    assert ask(f"http://127.0.0.1:{probe(page=page)}/")[:2] == (503, "the store did not answer\n")


def test_another_address_names_the_three(probe):
    assert ask(f"http://127.0.0.1:{probe()}/x")[:2] == (404, "try /, /metrics or /healthz\n")
