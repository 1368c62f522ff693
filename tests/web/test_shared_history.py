"""Page, terminal and notebook share one history while the site is served on this machine, live in both directions."""

from __future__ import annotations

import re
import shutil
import threading
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from mkdocs.livereload import LiveReloadServer

from journal.cli.quiz import quiz
from journal.content.library import library
from journal.review.history import History
from journal.review.schedule import replay
from journal.review.sitting import Sitting
from journal.site import hooks
from journal.site.endpoint import HistoryEndpoint
from journal.site.serving import listen, static_site
from tests.web.pages import ROOT, served
from tests.web.reviewing import answer, bring, kept, reviews

pytestmark = pytest.mark.browser


@contextmanager
def sharing(folder, history):
    server = listen(HistoryEndpoint(static_site(folder), history), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / "history.jsonl")


@pytest.fixture
def decks():
    return library(ROOT).decks


def test_an_answer_in_the_page_shows_in_the_next_quiz(site_folder, visit, history, decks, monkeypatch):
    monkeypatch.delenv("REDRIVE_NO_HISTORY", raising=False)
    monkeypatch.setenv("REDRIVE_HISTORY", str(history.path))
    monkeypatch.chdir(ROOT)
    with sharing(site_folder, history) as url:
        opened = visit(url + "due/")
        page = opened.page
        assert "the journal's own file on this machine" in page.locator(".rd-history").inner_text()
        assert page.get_by_role("button", name="Reset…").count() == 0
        page.get_by_role("button", name="Begin").click()
        card = decks.cards[page.locator(".rd-stage .rd-card").get_attribute("data-card")]
        assert f"1. [{card.topic}] {card.question}" in CliRunner().invoke(quiz).output
        answer(page, 4)
        assert page.locator(".rd-stage__note").inner_text() == "Easy, back in 8 days."
        assert kept(page) == []
        assert opened.trouble == []
    state = replay(history.load().events, decks)[card.id]
    assert (state.state, state.reviews) == ("review", 1)
    asked = CliRunner().invoke(quiz).output
    assert card.question not in asked
    assert "9 cards to review" in asked


def test_an_answer_in_the_terminal_shows_in_the_page(site_folder, visit, history, decks):
    with sharing(site_folder, history) as url:
        opened = visit(url + "due/")
        page = opened.page
        assert "10 cards for today" in page.locator(".rd-due").inner_text()
        page.get_by_role("button", name="Begin").click()
        present = page.locator(".rd-stage .rd-card").get_attribute("data-card")
        terminal = Sitting(decks, history, where="terminal")
        assert terminal.card.id == present
        terminal.rate(4)
        page.evaluate("dispatchEvent(new Event('focus'))")
        page.wait_for_function(
            "card => document.querySelector('.rd-stage .rd-card').dataset.card !== card", arg=present
        )
        assert page.locator(".rd-stage__note").inner_text() == "That card was answered elsewhere."
        page.keyboard.press("Escape")
        assert "9 cards for today" in page.locator(".rd-due").inner_text()
        assert page.locator(f'[data-card="{present}"] .rd-card__state').inner_text() == "back in 8 days"
        # Taken back in the terminal, it is new again in the page.
        terminal.undo()
        page.evaluate("dispatchEvent(new Event('focus'))")
        page.wait_for_function(
            "card => document.querySelector(`[data-card='${card}'] .rd-card__state`).innerText === 'new'", arg=present
        )
        assert opened.trouble == []


def test_a_page_left_open_asks_again_by_itself(site_folder, visit, history, decks):
    with sharing(site_folder, history) as url:
        opened = visit()
        opened.page.clock.install()
        page = opened.go(url)
        assert "10 cards for today" in page.locator(".rd-due").inner_text()
        Sitting(decks, history, where="notebook").rate(4)
        page.clock.run_for(6000)
        page.wait_for_function("() => document.querySelector('.rd-due').innerText.includes('9 cards for today')")


def test_an_import_goes_into_the_shared_file(site_folder, visit, history):
    with sharing(site_folder, history) as url:
        page = visit(url + "due/").page
        lines = reviews("backoff-03", (3, 4), (1, 3))
        assert bring(page, lines) == "2 events added, 0 already here."
    assert [event.line for event in history.load().events] == lines


def test_an_answer_that_cannot_be_kept_is_said_and_the_card_stays(site_folder, visit, history):
    with sharing(site_folder, history) as url:
        page = visit(url + "due/").page
        page.get_by_role("button", name="Begin").click()
        card = page.locator(".rd-stage .rd-card").get_attribute("data-card")
        page.keyboard.press("Space")
    page.keyboard.press("3")
    page.wait_for_function("() => document.querySelector('.rd-stage__note').innerText.includes('not recorded')")
    assert "Start `make site`" in page.locator(".rd-stage__note").inner_text()
    assert page.locator(".rd-stage .rd-card").get_attribute("data-card") == card
    assert page.locator(".rd-stage__count").inner_text() == "0 answered · 10 to go"


def test_mkdocs_serve_shares_the_history_reloads_and_still_runs_no_inline_script(
    site_folder, tmp_path, visit, history, monkeypatch
):
    monkeypatch.delenv("REDRIVE_NO_HISTORY", raising=False)
    monkeypatch.setenv("REDRIVE_HISTORY", str(history.path))
    # As `mkdocs serve` builds them: pages without a policy in their head.
    folder = tmp_path / "served"
    (folder / "due").mkdir(parents=True)
    text = (site_folder / "due" / "index.html").read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    (folder / "due" / "index.html").write_text(text, encoding="utf-8")
    shutil.copytree(site_folder / "assets", folder / "assets")
    server = LiveReloadServer(lambda: None, "127.0.0.1", 0, str(folder))
    server.watch(str(tmp_path))  # without anything to watch it adds no script
    config = type("Config", (), {"config_file_path": str(tmp_path / "mkdocs.yml")})
    hooks.on_serve(server, config=config, builder=None)
    server.server_bind()
    server.server_activate()
    server.serve_thread.start()
    try:
        opened = visit()
        said = []
        opened.page.on("console", lambda message: said.append(message.text))
        page = opened.go(f"http://127.0.0.1:{server.server_port}/due/")
        assert "the journal's own file on this machine" in page.locator(".rd-history").inner_text()
        assert "Enabled live reload" in said
        assert opened.trouble == []
        page.get_by_role("button", name="Begin").click()
        answer(page, 4)
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.intruded = true";
                document.body.append(script);
            }"""
        )
        assert page.evaluate("window.intruded") is None
        opened.context.close()
    finally:
        with server._epoch_cond:  # let go of the page that waits to be reloaded
            server._visible_epoch += 1
            server._epoch_cond.notify_all()
        server.shutdown()
    assert len(history.load().events) == 1


def test_a_page_of_another_site_can_neither_read_nor_write(site_folder, tmp_path, visit, history):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text("<title>another port is another origin</title>", encoding="utf-8")
    [line] = reviews("backoff-03", (3, 4))
    with sharing(site_folder, history) as url, served(tmp_path / "other") as foreign:
        page = visit(foreign).page
        outcomes = page.evaluate(
            """async ([url, line]) => {
                const json = { "Content-Type": "application/json", "X-Redrive": "1" };
                const tries = [
                    { },
                    { mode: "no-cors" },
                    { headers: { "X-Redrive": "1" } },
                    { method: "POST", body: line, mode: "no-cors" },
                    { method: "POST", body: line, headers: { "Content-Type": "text/plain" } },
                    { method: "POST", body: line, headers: json },
                ];
                return Promise.all(tries.map((one) => fetch(url, one).then((a) => a.type, () => "refused")));
            }""",
            [f"{url}-/history", line],
        )
    assert outcomes == ["refused"] * 6
    assert history.load().events == ()
