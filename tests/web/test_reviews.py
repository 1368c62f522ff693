"""Reviews in the page: by keyboard alone, with the same rules as in the terminal, on a host that knows nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journal.review.history import History
from journal.review.history.events import new_event, parse_line
from tests.web.pages import PHONE
from tests.web.reviewing import NOON, answer, at_noon, bring, kept, leech, reviews

pytestmark = pytest.mark.browser


@pytest.fixture
def due(visit, site_url):
    """Open the page "due today" at noon."""
    opened = at_noon(visit())
    opened.go(site_url + "due/")
    return opened


def begin(page):
    page.get_by_role("button", name="Begin").focus()
    page.keyboard.press("Enter")
    page.locator(".rd-stage .rd-card").wait_for()


def shown(page):
    return page.locator(".rd-stage .rd-card").get_attribute("data-card")


def test_a_sitting_goes_by_keyboard_alone_and_a_missed_card_comes_again_at_its_end(due):
    page = due.page
    begin(page)
    first = shown(page)
    assert page.evaluate("document.activeElement.dataset.card") == first
    assert page.locator(".rd-stage__count").inner_text() == "0 answered · 10 to go"
    page.keyboard.press("Space")
    waits = page.locator(".rd-stage .rd-rate__button")
    assert [text.split() for text in waits.all_text_contents()] == [
        ["1", "again,", "back", "in", "1", "min"],
        ["2", "hard,", "back", "in", "6", "min"],
        ["3", "good,", "back", "in", "10", "min"],
        ["4", "easy,", "back", "in", "8", "days"],
    ]
    page.keyboard.press("1")
    page.wait_for_function("() => document.querySelector('.rd-stage__count').innerText === '1 answered · 10 to go'")
    answer(page, *[3] * 9)
    assert shown(page) == first
    answer(page, 4)
    summary = page.locator(".rd-summary")
    assert "10 cards, 11 answers: 1 again, 9 good, 1 easy." in summary.inner_text()
    assert "9 of these come back today, the first at 12:10." in summary.inner_text()
    assert page.evaluate("document.activeElement.innerText") == "Sitting done"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.innerText") == "Begin"
    events = kept(page)
    assert [event["rating"] for event in events] == [1, *[3] * 9, 4]
    assert {(event["where"], event["local_date"]) for event in events} == {("page", "2026-11-24")}
    for event in events:
        parse_line(json.dumps(event, separators=(",", ":")))
    assert due.trouble == []


def test_an_answer_can_be_taken_back_also_from_the_summary(due):
    page = due.page
    begin(page)
    first = shown(page)
    answer(page, 1)
    page.keyboard.press("u")
    page.wait_for_function("() => document.querySelector('.rd-stage__count').innerText === '0 answered · 10 to go'")
    assert shown(page) == first
    assert page.locator(".rd-stage .rd-card__state").inner_text() == "new"
    answer(page, *[4] * 10)
    page.locator(".rd-summary").wait_for()
    page.keyboard.press("u")
    page.locator(".rd-stage .rd-card").wait_for()
    assert page.locator(".rd-stage__count").inner_text() == "9 answered · 1 to go"
    undone = [event["event"] for event in kept(page) if event["kind"] == "undo"]
    ratings = {event["id"]: event["rating"] for event in kept(page) if event["kind"] == "review"}
    assert [ratings[event] for event in undone] == [1, 4]


def test_keys_do_nothing_while_the_focus_is_elsewhere_or_the_answer_is_folded(due):
    page = due.page
    page.keyboard.press("3")
    begin(page)
    page.keyboard.press("3")
    page.locator(".md-search__input").focus()
    page.keyboard.type("3u1")
    assert page.locator(".rd-stage__count").inner_text() == "0 answered · 10 to go"
    assert kept(page) == []


def test_the_answers_stay_in_the_browser_and_the_page_says_so(due, site_url):
    page = due.page
    assert "This browser keeps it" in page.locator(".rd-history").inner_text()
    begin(page)
    card = shown(page)
    answer(page, 4)
    page.reload()
    assert "8 days" in page.locator(f'[data-card="{card}"] .rd-card__state').inner_text()
    assert "9 cards for today" in page.locator(".rd-due").inner_text()
    topic = page.locator(f'[data-card="{card}"]').get_attribute("data-topic")
    due.go(f"{site_url}quizzes/{topic}/")
    assert "8 days" in page.locator(f'[data-card="{card}"] .rd-card__state').inner_text()
    due.go(site_url)
    assert "9 cards for today" in page.locator(".rd-due").inner_text()
    assert not any("/-/" in url for url in due.requested)
    assert due.trouble == []


def test_an_export_is_what_the_terminal_merges_and_an_import_is_the_union(due, tmp_path):
    page = due.page
    begin(page)
    answer(page, 3, 1)
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    file = Path(tmp_path / "exported.jsonl")
    download.value.save_as(file)
    history = History(tmp_path / "history.jsonl")
    merged = history.merge(file)
    assert (merged.added, merged.problems) == (2, ())
    lines = file.read_text(encoding="utf-8").splitlines()
    more = reviews("backoff-03", (3, 4))
    assert bring(page, [*lines, *more, *more]) == "1 event added, 2 already here."
    assert bring(page, more) == "0 events added, 1 already here."
    assert [json.dumps(event, separators=(",", ":")) for event in kept(page)] == [*more, *lines]


def test_a_faulty_import_adds_what_is_sound_and_names_the_rest(due):
    page = due.page
    good = reviews("backoff-03", (3, 4))
    said = bring(page, ["no event", *good, good[0].replace('"rating":4', '"rating":9')])
    assert said == "1 event added, 0 already here. 2 lines left out; the first: line 1 is no JSON."
    assert "at most 50000" in bring(page, [""] * 50_001)
    assert len(kept(page)) == 1


def test_a_reset_asks_first_and_then_forgets(due):
    page = due.page
    bring(page, reviews("backoff-03", (3, 4)))
    page.get_by_role("button", name="Reset…").click()
    sure = page.get_by_role("group", name="Confirm the reset")
    assert "Delete 1 event" in sure.inner_text()
    assert page.evaluate("document.activeElement.innerText") == "Keep them"
    page.keyboard.press("Escape")
    assert len(kept(page)) == 1
    page.get_by_role("button", name="Reset…").click()
    sure.get_by_role("button", name="Delete them").click()
    assert kept(page) == []
    assert "10 cards for today: 0 due" in page.locator(".rd-due").inner_text()


def test_a_card_in_a_list_can_be_rated_and_taken_back(visit, site_url):
    page = at_noon(visit()).page
    page.goto(site_url + "quizzes/backoff/")
    card = page.locator(".rd-card").first
    card.locator("summary").first.click()
    card.get_by_role("button", name="Good").click()
    state = card.locator(".rd-card__state")
    page.wait_for_function(
        "() => document.querySelector('.rd-card__state').innerText.startsWith('good, back in 10 min')"
    )
    assert not card.locator(".rd-card__answer").is_visible()
    card.get_by_role("button", name="take back").click()
    page.wait_for_function("() => document.querySelector('.rd-card__state').innerText === 'new'")
    card.focus()
    page.keyboard.press("Space")
    page.keyboard.press("4")
    page.wait_for_function(
        "() => document.querySelector('.rd-card__state').innerText.startsWith('easy, back in 8 days')"
    )
    page.keyboard.press("u")
    page.wait_for_function("() => document.querySelector('.rd-card__state').innerText === 'new'")
    assert state.inner_text() == "new"


def test_a_leech_is_shown_and_asks_to_be_rewritten(due):
    page = due.page
    bring(page, leech("backoff-02"))
    assert "rewrite me: forgotten 8 times" in page.locator('[data-card="backoff-02"] .rd-card__kind').inner_text()
    assert "backoff-02: forgotten 8 times" in page.locator(".rd-leeches").inner_text()


def test_a_failed_exercise_step_makes_its_reviewed_cards_due(due):
    page = due.page
    step = page.locator(".rd-card[data-step]").first
    card, (slug, number) = step.get_attribute("data-card"), step.get_attribute("data-step").split("/")
    run = new_event("run", {"slug": slug, "steps": {number: "failed"}, "code_sha": "0123abc"}, NOON)
    bring(page, [*reviews(card, (2, 4)), run.line])
    assert "its exercise step failed" in page.locator(f'[data-card="{card}"] .rd-card__state').inner_text()
    assert "1 due" in page.locator(".rd-due").inner_text()


def test_the_charts_say_in_words_what_they_show(due):
    page = due.page
    bring(page, [*reviews("backoff-01", (2, 4)), *reviews("backoff-02", (9, 4)), *reviews("backoff-03", (1, 3))])
    forecast = page.locator(".rd-coming svg")
    assert forecast.locator("title").text_content() == "What falls due"
    assert (
        "3 cards already begun fall due within 14 days; 2 today, 0 tomorrow." in forecast.locator("desc").text_content()
    )
    page.get_by_text("The same as a table").first.click()
    assert page.locator(".rd-coming tbody tr").all_inner_texts() == ["today\t2", "Mon 30 Nov\t1"]
    card = page.locator('[data-card="backoff-01"]')
    card.locator("summary").first.click()
    card.get_by_text("How it fades").click()
    words = card.locator("svg desc").text_content()
    assert "The chance of recall is 97 % now, 90 % when the card is due" in words
    assert "1 review, the last on Sun 22 Nov" in card.inner_text()


def test_a_proof_can_be_read_during_a_sitting(due):
    page = due.page
    page.locator(".rd-deck__bar").first.get_by_role("button", name="Ask all").click()
    while not page.locator(".rd-stage .rd-card__more a", has_text="its deck").count():
        answer(page, 4)
    page.keyboard.press("Space")
    with due.context.expect_page() as opened:
        page.locator(".rd-stage .rd-card__more a", has_text="its deck").click()
    opened.value.wait_for_load_state()
    assert opened.value.locator(":target a.rd-proof").count() == 1
    assert page.locator(".rd-stage").count() == 1, "the sitting goes on beside it"
    page.keyboard.press("Escape")
    assert page.locator(".rd-stage").count() == 0


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_axe_finds_nothing_in_any_state_of_a_review(visit, site_url, scheme):
    opened = at_noon(visit(color_scheme=scheme, reduced_motion="reduce"))
    page = opened.go(site_url + "due/")
    bring(page, [*leech("backoff-01"), *reviews("backoff-02", (2, 4))])
    assert opened.axe() == []
    card = page.locator('[data-card="backoff-02"]')
    card.locator("summary").first.click()
    card.get_by_text("How it fades").click()
    assert opened.axe() == []
    page.get_by_role("button", name="Reset…").click()
    assert opened.axe() == []
    page.keyboard.press("Escape")
    begin(page)
    assert opened.axe() == []
    page.keyboard.press("Space")
    assert opened.axe(".rd-stage") == []
    answer(page, 1)
    assert opened.axe(".rd-stage") == []
    while page.locator(".rd-stage .rd-card").count():
        answer(page, 4)
    assert opened.axe() == []
    assert opened.trouble == []


def test_a_review_fits_a_phone_and_its_buttons_a_thumb(visit, site_url):
    opened = at_noon(visit(viewport=PHONE, has_touch=True))
    page = opened.go(site_url + "due/")
    assert opened.overflow() == 0
    page.get_by_role("button", name="Begin").tap()
    page.locator(".rd-stage summary").first.tap()
    assert opened.overflow() == 0
    for button in page.locator(".rd-stage .rd-rate__button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44
    page.get_by_role("button", name="Again").tap()
    page.wait_for_function("() => document.querySelector('.rd-stage__count').innerText.startsWith('1 answered')")
    assert opened.axe() == []


def test_two_tabs_that_answer_at_once_lose_nothing(due, site_url):
    page = due.page
    other = due.context.new_page()
    other.clock.install(time=NOON)
    other.goto(site_url + "due/")
    begin(page)
    begin(other)
    answer(page, 4)
    answer(other, 4, 4)
    assert len(kept(page)) == 3
    page.wait_for_function("() => document.querySelector('.rd-stage__count').innerText === '1 answered · 7 to go'")
