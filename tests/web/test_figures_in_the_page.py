"""Figures in a real browser: a guess first, then controls by keyboard; the first frame without JavaScript."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

PAGE = "reference/models/"
NAMES = ["herd", "outage", "lease", "waiting", "buckets"]


def test_the_answer_is_kept_back_until_there_is_a_guess(site_url, visit):
    page = visit(site_url + PAGE).page
    figure = page.locator("#figure-lease")
    words = figure.locator("#figure-lease-words")
    assert not words.is_visible()
    assert not figure.locator('[id="lease-series-b"]').is_visible()
    figure.get_by_label("First a guess.").press("Home")
    figure.get_by_role("button", name="Show").press("Enter")
    assert "You guessed 0 s. It is 13 s." in figure.inner_text()
    assert words.is_visible()
    assert figure.locator('[id="lease-series-b"]').is_visible()


@pytest.mark.parametrize("name", NAMES)
def test_controls_move_the_figure_by_keyboard(site_url, visit, name):
    opened = visit(site_url + PAGE)
    figure = opened.page.locator(f"#figure-{name}")
    figure.get_by_role("button", name="Show").press("Enter")
    words = figure.locator(f"#figure-{name}-words")
    drawing = figure.locator(".rd-figure__drawing")
    slider = figure.locator("input[type=range]").first
    slider.press("Home")
    before = words.inner_text(), drawing.inner_html()
    slider.press("ArrowRight")
    after = words.inner_text(), drawing.inner_html()
    assert after[0] != before[0]
    assert after[1] != before[1]
    assert slider.get_attribute("aria-valuetext") == figure.locator("output").first.inner_text()
    figure.locator("select").select_option(index=1)
    assert words.inner_text() != after[0]
    assert opened.trouble == []


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_axe_finds_nothing_with_every_figure_in_use(site_url, visit, scheme):
    opened = visit(site_url + PAGE, color_scheme=scheme)
    assert opened.axe() == []
    for name in NAMES:
        opened.page.locator(f"#figure-{name}").get_by_role("button", name="Show").click()
    assert opened.axe() == []


def test_without_javascript_the_first_frame_and_its_sentence_are_there(site_url, visit):
    page = visit(site_url + PAGE, java_script_enabled=False).page
    for name in NAMES:
        figure = page.locator(f"#figure-{name}")
        assert figure.locator("svg").first.is_visible()
        assert len(figure.locator(f"#figure-{name}-words").inner_text().split()) > 10
        assert figure.locator("input").count() == 0
