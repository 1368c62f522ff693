"""What is pasted into a card stays text: one sanitiser for page, Anki and notebook."""

from __future__ import annotations

from html import unescape

import pytest

from journal.content.cards.markup import card_html
from journal.site.fences import markup
from journal.site.fences.place import Place


@pytest.fixture(params=["anki and notebook", "page"])
def shown(request, folder):
    if request.param == "page":
        place = Place(folder.path, "quizzes/backoff.md")
        return lambda text: markup.render(text, place, folder="docs/quizzes", trusted=False)
    return card_html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<div onclick='alert(1)'>\n\ntext\n\n</div>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x]\n\n[x]: vbscript:alert(1)",
        "![x](javascript:alert(1))",
        "<javascript:alert(1)>",
        "[x](&#106;avascript:alert(1))",
        "[x](javascript&colon;alert(1))",
        "[x](&#x6a;ava&Tab;script:alert(1))",
        "text {: onclick=alert(1) }",
    ],
)
def test_nothing_that_runs_gets_through(shown, text):
    html = unescape(shown(text).replace("&lt;", "")).lower().replace("\t", "")
    assert "<script" not in html
    assert "<img src=x" not in html
    assert "<div onclick" not in html
    for attribute in ("href", "src"):
        for scheme in ("javascript:", "data:", "vbscript:"):
            assert f'{attribute}="{scheme}' not in html
    assert "<p onclick" not in html


def test_what_a_card_needs_is_kept(shown):
    html = shown(
        "**bold**, `code`, [a](https://example.org/x?y=1#z)\n\n```python\nx = 1\n```\n\n| a |\n| --- |\n| 1 |\n"
    )
    for kept in ("<strong>bold</strong>", "<code>code</code>", 'href="https://example.org/x?y=1#z"', "<table>"):
        assert kept in html


def test_a_mailbox_can_be_named(shown):
    assert 'href="mailto:me@example.org"' in unescape(shown("Ask <me@example.org>."))
