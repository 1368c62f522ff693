"""The brief of an exercise as its page shows it, which is the README; and the workshop's place below it."""

from __future__ import annotations

import re

import pytest

from journal.site.fences.exercise import render
from journal.site.fences.place import Place
from tests.web.pages import ROOT
from tests.web.workshop_pages import EXERCISES


@pytest.mark.parametrize("slug", EXERCISES)
def test_markdown_inside_folded_hints_is_rendered(slug):
    html = render({"slug": slug}, Place(ROOT, f"exercises/{slug}.md"))
    assert html.count("<summary>Hint 1</summary>") == html.count('id="step-')
    assert "`" not in re.sub(r"<pre.*?</pre>", "", html, flags=re.DOTALL)


def test_the_workshops_place_reads_without_javascript():
    html = render({"slug": "backoff"}, Place(ROOT, "exercises/backoff.md"))
    place = html[html.index('data-workshop="backoff"') :]
    assert "needs JavaScript" in place
    assert ".venv/bin/pytest exercises/backoff" in place
