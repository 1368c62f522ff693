"""Text that means harm, in a card or in an import, stays text; also where no policy of the browser would stop it."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from journal.content.cards import Card
from journal.site.fences.cards import render_card
from journal.site.fences.place import Place
from tests.web.pages import ROOT, served
from tests.web.reviewing import answer, bring, kept, reviews

pytestmark = pytest.mark.browser

HOSTILE = """\
<script>intruded = 1</script> <img src=x onerror="intruded = 1"> <svg onload="intruded = 1">
<b onmouseover="intruded = 1">b</b>

<iframe srcdoc="<script>parent.intruded = 1</script>"></iframe> ![x](y" onerror="intruded = 1)

para {: onclick="intruded = 1" style="background: url(https://example.org)" }

``` { .python onclick="intruded = 1" title="<img src=x onerror=intruded=1>" }
</code></pre><script>intruded = 1</script>
```
"""


@pytest.fixture
def unguarded(site_folder, tmp_path):
    """A copy of a deck's page without its policy, in which a card is hostile."""
    place = Place(root=ROOT, page="quizzes/backoff.md")
    card = Card("hostile-01", "recall", HOSTILE, HOSTILE, "backoff", "index.md", None, None, None, "x.yml", 1)
    page = (site_folder / "due" / "index.html").read_text(encoding="utf-8")
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    page = page.replace('<article class="rd-card"', render_card(card, place) + '<article class="rd-card"', 1)
    page = page.replace('data-cards="', 'data-cards="hostile-01 ', 1)
    (tmp_path / "due").mkdir()
    (tmp_path / "due" / "index.html").write_text(page, encoding="utf-8")
    shutil.copytree(site_folder / "assets", tmp_path / "assets")
    with served(tmp_path) as url:
        yield url + "due/"


def harmless(page):
    page.wait_for_timeout(100)  # an event handler of an image that does not load would run by now
    assert page.evaluate("typeof intruded") == "undefined"
    assert (
        page.evaluate(
            "document.querySelectorAll('.rd-card :is(script, iframe, svg[onload], [onclick], [onerror])').length"
        )
        == 0
    )


def test_a_hostile_card_is_shown_and_runs_nothing(unguarded, visit):
    opened = visit(unguarded)
    page = opened.page
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    card = page.locator('[data-card="hostile-01"]')
    assert "<script>intruded = 1</script>" in card.locator(".rd-card__question").inner_text()
    harmless(page)
    page.locator(".rd-deck__bar").first.get_by_role("button", name="Ask all").click()
    assert page.locator(".rd-stage .rd-card").get_attribute("data-card") == "hostile-01"
    answer(page, 4)
    harmless(page)


def test_a_hostile_import_is_refused_and_what_is_said_of_it_runs_nothing(unguarded, visit):
    page = visit(unguarded).page
    good = json.loads(reviews("backoff-03", (3, 4))[0])
    markup = "<img src=x onerror='intruded = 1'>"
    lines = [
        json.dumps(good | {"card": markup}),
        json.dumps(good | {"id": markup}),
        json.dumps(good | {"where": markup}),
        json.dumps(good | {markup: 1}),
        json.dumps(good | {"kind": "__proto__"}),
        json.dumps(good | {"kind": "constructor"}),
        json.dumps(good)[:-1] + ',"__proto__":{"polluted":1}}',
        json.dumps(good | {"kind": "run", "steps": {"1": markup}}),
        markup,
    ]
    said = bring(page, lines)
    assert said.startswith("0 events added, 0 already here. 9 lines left out")
    assert kept(page) == []
    assert page.evaluate("({}).polluted") is None
    # What a later version wrote is kept as text and shown nowhere.
    later = {"v": 2, "id": "f" * 32, "at": good["at"], "text": markup}
    assert bring(page, [json.dumps(later)]).startswith("1 event added")
    harmless(page)


def test_what_somebody_else_put_into_the_storage_is_no_event(unguarded, visit):
    page = visit(unguarded).page
    page.evaluate(
        """() => {
            localStorage["redrive.event.x"] = "<img src=x onerror='intruded = 1'>";
            localStorage["redrive.event." + "0".repeat(32)] = '{"v":1,"id":"<script>"}';
        }"""
    )
    page.reload()
    assert "10 cards for today" in page.locator(".rd-due").inner_text()
    harmless(page)
