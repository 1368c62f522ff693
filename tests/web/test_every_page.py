"""What holds for every page: it asks nobody else, logs nothing, fits desktop and phone, leads nowhere dead."""

from __future__ import annotations

import re

import pytest

from journal.site.dead_links import dead_links
from tests.web.pages import DESKTOP, PHONE, pages_of

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_no_page_asks_another_host_logs_an_error_or_overflows(site_folder, site_url, visit):
    opened = visit()
    wide = []
    for name in pages_of(site_folder):
        opened.page.set_viewport_size(DESKTOP)
        opened.go(site_url + name)
        if over := opened.overflow():
            wide.append(f"{name}: {over} px too wide at {DESKTOP['width']} px")
        opened.page.set_viewport_size(PHONE)
        if over := opened.overflow():
            wide.append(f"{name}: {over} px too wide at {PHONE['width']} px")
    assert opened.trouble == []
    assert wide == []


def test_no_link_and_no_anchor_is_dead(site_folder):
    assert [str(problem) for problem in dead_links(site_folder)] == []


def test_every_page_has_one_main_heading_a_title_of_its_own_and_a_description(site_folder):
    faults, titles = [], {}
    for path in site_folder.rglob("*.html"):
        if path.name == "404.html":
            continue
        name, text = path.relative_to(site_folder).as_posix(), path.read_text(encoding="utf-8")
        headings = len(re.findall(r"<h1[ >]", text))
        description = re.search(r'<meta name="description" content="([^"]*)"', text)
        titles.setdefault(re.search(r"<title>(.*?)</title>", text, re.DOTALL)[1], []).append(name)
        if headings != 1 or not description or len(description[1]) < 10:
            faults.append(f"{name}: {headings} main headings, description {description and description[1]!r}")
    assert faults == []
    # The pages of one topic (recall, cards, exercise) may share their title; more than that is a slip.
    assert [names for names in titles.values() if len(names) > 3] == []


def test_a_missing_page_says_so_in_the_sites_own_look(site_folder, visit):
    assert "Redrive" in (site_folder / "404.html").read_text(encoding="utf-8")
