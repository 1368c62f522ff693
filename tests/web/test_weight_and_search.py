"""What a first visit costs, a search that is fetched when wanted, and the policy that keeps foreign code out."""

from __future__ import annotations

import pytest

from tests.web.pages import page_of

pytestmark = pytest.mark.browser

LESSON_LIMIT_BYTES = 150_000
LESSON_HTML_LIMIT_BYTES = 120_000
DUE_HTML_LIMIT_BYTES = 200_000


def transferred(opened, url):
    """Return what came over the wire for a first visit, headers included, by address."""
    session = opened.context.new_cdp_session(opened.page)
    session.send("Network.enable")
    addresses, sizes = {}, {}
    session.on(
        "Network.requestWillBeSent", lambda event: addresses.update({event["requestId"]: event["request"]["url"]})
    )
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    opened.page.goto(url, wait_until="networkidle")
    return {addresses.get(identity, "?"): size for identity, size in sizes.items()}


def test_a_first_visit_to_the_heaviest_lesson_stays_below_its_limit(site_folder, site_url, visit):
    sizes = transferred(visit(), site_url + page_of(site_folder, "lesson"))
    total = sum(sizes.values())
    report = "\n".join(
        f"{size / 1000:6.1f} kB  {url}" for url, size in sorted(sizes.items(), key=lambda item: -item[1])
    )
    assert total < LESSON_LIMIT_BYTES, f"{total / 1000:.1f} kB:\n{report}"
    assert not any("search_index" in url for url in sizes)


def test_no_lesson_and_no_review_is_heavier_than_its_limit(site_folder):
    pages = {page.parent.name: page.stat().st_size for page in site_folder.glob("lessons/*/index.html")}
    heavy = {name: size for name, size in pages.items() if size > LESSON_HTML_LIMIT_BYTES}
    assert heavy == {}
    assert (site_folder / "due" / "index.html").stat().st_size <= DUE_HTML_LIMIT_BYTES


def test_the_search_index_comes_when_the_search_is_used_and_finds_a_lesson(site_folder, site_url, visit):
    opened = visit(site_url)
    page = opened.page
    assert not any("search_index" in url for url in opened.requested)
    page.locator(".md-search__input").click()
    page.keyboard.type("jitter", delay=20)
    result = page.locator(".md-search-result__item a").first
    result.wait_for(state="visible", timeout=10_000)
    assert any("search_index" in url for url in opened.requested)
    assert page.locator(".md-search-result__item").count() > 1
    result.click()
    page.wait_for_load_state()
    assert "jitter" in page.locator("article").inner_text().lower()
    assert opened.trouble == []


def test_the_search_opens_with_its_key(site_url, visit):
    page = visit(site_url).page
    page.keyboard.press("/")
    page.keyboard.type("lease", delay=20)
    page.locator(".md-search-result__item a").first.wait_for(state="visible", timeout=10_000)


def test_colours_are_remembered_from_page_to_page(site_url, visit):
    opened = visit(site_url, color_scheme="light")
    page = opened.page
    for _ in range(2):  # from the system's to light, from light to dark
        page.locator("form[data-md-component=palette] label:not([hidden])").click()
    assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"
    opened.go(site_url + "roadmap/")
    assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"


def test_an_inline_script_does_not_run(site_url, visit):
    page = visit(site_url).page
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.intruded = true";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", '<img src="data:," onerror="window.intruded = true">');
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.intruded") is None
