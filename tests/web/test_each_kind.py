"""One page of each kind: accessible in light and dark, folded and unfolded, and readable without JavaScript."""

from __future__ import annotations

import re

import pytest

from tests.web.pages import KINDS, PHONE, page_of

pytestmark = pytest.mark.browser

# `make test` looks at every kind in light, and at the lesson, which has most on it, also in dark and on a phone.
BUSIEST = "lesson"
IN_BOTH = [
    pytest.param(kind, scheme, marks=[pytest.mark.long] if scheme == "dark" and kind != BUSIEST else [])
    for kind in KINDS
    for scheme in ("light", "dark")
]
ON_A_PHONE = [
    pytest.param(kind, marks=[pytest.mark.long] if kind != BUSIEST else [])
    for kind in ("home", "week", "lesson", "exercise", "cards", "notebook")
]


@pytest.mark.parametrize(("kind", "scheme"), IN_BOTH)
def test_axe_finds_nothing(site_folder, site_url, visit, kind, scheme):
    opened = visit(site_url + page_of(site_folder, kind), color_scheme=scheme)
    body = opened.page.locator("body")
    assert body.get_attribute("data-md-color-scheme") == {"light": "default", "dark": "slate"}[scheme]
    # What is folded is read as well, so it is judged unfolded; the phone's pages below are judged folded.
    opened.page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert opened.axe() == []
    assert opened.trouble == []


@pytest.mark.parametrize("kind", ON_A_PHONE)
def test_axe_finds_nothing_on_a_phone_with_the_menu_open(site_folder, site_url, visit, kind):
    opened = visit(site_url + page_of(site_folder, kind), viewport=PHONE)
    assert opened.axe() == []
    opened.page.locator('label.md-header__button[for="__drawer"]').click()
    opened.page.wait_for_timeout(400)  # the drawer slides in; axe must not judge a half-transparent one
    assert opened.axe() == []


def test_cards_can_be_read_with_javascript_off(site_folder, site_url, visit):
    page = visit(site_url + page_of(site_folder, "cards"), java_script_enabled=False).page
    cards = page.locator(".rd-card")
    assert cards.count() > 0
    first = cards.first
    assert first.locator(".rd-card__question").is_visible()
    answer = first.locator(".rd-card__answer")
    assert not answer.is_visible()
    first.locator("summary").click()
    assert answer.is_visible()
    assert answer.inner_text().strip()


def test_what_is_due_is_a_sentence_with_javascript_off(site_url, visit):
    page = visit(site_url, java_script_enabled=False).page
    assert "journal quiz" in page.locator("[data-due]").inner_text()


@pytest.mark.parametrize("script", [True, False], ids=["", "without JavaScript"])
def test_a_proof_mark_is_small_named_and_leads_to_its_test(site_folder, site_url, visit, script):
    opened = visit(site_url + page_of(site_folder, "week"), java_script_enabled=script)
    mark = opened.page.locator("a.rd-proof").first
    box, paragraph = mark.bounding_box(), mark.locator("xpath=..").bounding_box()
    assert box["height"] < 30
    assert box["width"] < 30
    assert paragraph["height"] > box["height"]
    assert opened.page.get_by_role("link", name=re.compile(r"^Proof, [a-z ]+: \w")).count() > 10
    mark.click()
    test = opened.page.locator(f"#{opened.page.url.partition('#')[2]}")
    test.wait_for(state="visible")
    body = opened.page.locator("article").inner_text()
    assert "def test_" in body
    assert "Otherwise" in body
    assert opened.trouble == []


def test_the_week_shows_its_figures_unmangled(site_folder, site_url, visit):
    page = visit(site_url + "journal/month-05/week-04/").page
    cells = page.locator(".rd-metrics td").all_inner_texts()
    assert cells == ["10.5", "7/7", "3", "7", "3.3/5"]
    assert page.locator(".rd-metrics svg title").all_text_contents() == [
        "Days hit: 7 of 7",
        "Average confidence: 3.3/5 on a scale from 1 to 5",
    ]


def test_a_notebook_shows_its_outputs(site_folder, site_url, visit):
    page = visit(site_url + page_of(site_folder, "notebook")).page
    assert page.locator(".jp-OutputArea-output").count() > 0
    assert page.locator(".highlight-ipynb").count() > 0
