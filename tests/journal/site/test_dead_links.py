"""Dead links of a built site are found, anchors included."""

from __future__ import annotations

import pytest

from journal.site.dead_links import dead_links

PAGE = '<html><body id="top"><a href="{}">x</a></body></html>'


@pytest.fixture
def site(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text('<h2 id="part">Part</h2>', encoding="utf-8")
    (tmp_path / "style.css").touch()
    return tmp_path


@pytest.mark.parametrize(
    "link", ["a/", "a/#part", "#top", "style.css", "https://example.org/none", "mailto:a@example.org", "a/index.html"]
)
def test_a_link_that_leads_somewhere_is_no_problem(site, link):
    (site / "index.html").write_text(PAGE.format(link), encoding="utf-8")
    assert dead_links(site) == []


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("b/", "index.html: links to b/, which is not on the site"),
        ("../out.html", "index.html: links to ../out.html, which is not on the site"),
        ("a/#gone", "index.html: links to a/#gone, and that page has no such anchor"),
        ("#gone", "index.html: links to #gone, and that page has no such anchor"),
        ("none.css", "index.html: links to none.css, which is not on the site"),
    ],
)
def test_a_link_that_leads_nowhere_is_named_with_its_page(site, link, says):
    (site / "index.html").write_text(PAGE.format(link), encoding="utf-8")
    assert [str(problem) for problem in dead_links(site)] == [says]
