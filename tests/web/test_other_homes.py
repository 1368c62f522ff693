"""The site below a sub-path of any static host, and opened from disk."""

from __future__ import annotations

import zipfile

import pytest

from journal.site.packing import make_zip, publish
from tests.web.pages import ROOT, pages_of, served
from tests.web.reviewing import answer

# With the site built first, its notebooks and figures are made once, and not by two processes at the same time.
pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.usefixtures("site_folder")]


def test_a_published_folder_works_below_a_sub_path(tmp_path, visit):
    folder = tmp_path / "public"
    publish(ROOT, folder)
    with served(folder, "/some/where/") as url:
        opened = visit()
        for name in pages_of(folder)[::5]:
            opened.go(url + name)
        page = opened.go(url)
        page.locator('.md-tabs a:has-text("Lessons")').click()
        page.wait_for_load_state()
        assert page.url == f"{url}lessons/"
        page.locator(".md-search__input").click()
        page.keyboard.type("backoff", delay=20)
        page.locator(".md-search-result__item a").first.click()
        page.wait_for_load_state()
        assert page.url.startswith(url)
        assert opened.trouble == []


def test_the_zip_opens_from_disk_with_search_and_cards(tmp_path, visit):
    with zipfile.ZipFile(make_zip(ROOT)) as packed:
        packed.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    opened = visit()
    page = opened.go((folder / "index.html").as_uri())
    page.locator(".md-search__input").click()
    page.keyboard.type("jitter", delay=20)
    page.locator(".md-search-result__item a").first.click()
    page.wait_for_load_state()
    assert page.url.startswith(folder.as_uri())
    assert "jitter" in page.locator("article").inner_text().lower()
    opened.go((folder / "quizzes" / "backoff.html").as_uri())
    card = page.locator(".rd-card").first
    card.locator("summary").click()
    assert card.locator(".rd-card__answer").is_visible()
    card.get_by_role("button", name="Easy").click()
    state = card.locator(".rd-card__state")
    assert "easy, back in 8 days" in state.inner_text()
    page.reload()
    assert state.inner_text() == "back in 8 days"
    opened.go((folder / "due.html").as_uri())
    assert "9 cards for today" in page.locator(".rd-due").inner_text()
    page.get_by_role("button", name="Begin").click()
    answer(page, 4)
    opened.go((folder / "exercises" / "backoff.html").as_uri())
    assert "Serve the site to run this" in page.locator("[data-workshop]").inner_text()
    assert not list(folder.rglob("pyodide*"))
    assert opened.trouble == []
