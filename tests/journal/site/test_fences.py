"""Fences: what each one shows, and what it says when its settings are wrong."""

from __future__ import annotations

import pickle
import re
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import markdown
import pytest
import yaml

from journal.content.library import library
from journal.site.fences import (
    adr_log,
    breadcrumbs,
    cards,
    due,
    exercise,
    journal_index,
    listing,
    markup,
    metrics,
    proof_source,
    roadmap,
)
from journal.site.fences.fence import FenceError, settings
from journal.site.fences.place import Place
from journal.site.proof_pages import proof_pages

ROOT = Path(__file__).resolve().parents[3]
TESTS = "tests/course/lessons/test_retries.py"


def text_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def convert(text):
    """Convert as MkDocs does, with the fences of mkdocs.yml and nothing else of it: no plugin, no hook."""
    custom = [
        {"name": "cards", "class": "cards", "format": cards.fence},
        {"name": "metrics", "class": "metrics", "format": metrics.fence},
    ]
    return markdown.markdown(
        text,
        extensions=["pymdownx.superfences", "journal.site.fences.proof"],
        extension_configs={"pymdownx.superfences": {"custom_fences": custom}},
    )


@pytest.mark.against("Python alone")
def test_cards_render_without_any_hook(journal_site, monkeypatch):
    """Cards are in the page when nothing but Markdown's own extensions are loaded.

    Did: converted a page with a cards fence by Python-Markdown alone, with no MkDocs, no plugin and no hook.
    Saw: every card of the deck, with its question and its folded answer.
    Otherwise: the fence would stand in the page as a block of code, as it does where only a hook would fill it.
    """
    monkeypatch.setenv("REDRIVE_ROOT", str(journal_site.path))
    page = convert("# Cards\n\n```cards\ntopic: backoff\n```\n")
    assert page.count('class="rd-card"') == 3
    assert "What does full jitter draw?" in page
    assert page.count("<summary>Answer</summary>") == 3
    assert "topic: backoff" not in page


def test_a_card_names_its_lesson_step_decision_and_proof(place):
    page = cards.render({"topic": "backoff"}, place)
    first = page.split("</article>")[0]
    assert 'data-card="backoff-01" data-topic="backoff" data-kind="recall"' in first
    assert 'href="../../../lessons/day-137-retries/#full-jitter">Full jitter</a>' in first
    assert 'href="../../../exercises/backoff/#step-2"' in first
    assert 'href="../../../adr/0004-full-jitter/"' in first
    assert 'data-proof="tests/course/lessons/test_retries.py::test_herd"' in first


def test_html_in_a_card_stays_text(journal_site, place):
    journal_site.write(
        "docs/quizzes/metrics.yml",
        "topic: metrics\ntitle: Metrics\ncards:\n  - id: metrics-01\n    question: |\n"
        "      <script>run()</script> <b onclick='run()'>b</b> [a](javascript:run())\n\n"
        "      text {: onclick='run()' }\n\n      <div markdown onclick='run()'>x</div>\n    answer: |\n"
        "      <img src=x onerror='run()'>\n    lesson: lessons/day-137-retries.md#full-jitter\n",
    )
    page = cards.render({"topic": "metrics"}, place)
    assert "&lt;script&gt;run()" in page
    assert "&lt;img src=x" in page
    assert not re.search(r"<(script|b|img|div (?!class))|<[^>]*\bon\w+=|href=.javascript", page)


def test_cards_of_several_decks_stand_under_their_titles(journal_site, place):
    journal_site.write(
        "docs/quizzes/metrics.yml",
        "topic: metrics\ntitle: Metrics\ncards:\n  - id: metrics-01\n    question: Why `sort` <b>?\n"
        "    answer: |\n      ```python\n      sorted(labels)\n      ```\n"
        "    lesson: lessons/day-137-retries.md#full-jitter\n",
    )
    page = cards.render({"topics": "all"}, place)
    assert re.findall(r'rd-deck__title">([^<]+)<', page) == ["Retries and backoff", "Metrics"]
    assert "<code>sort</code>" in page
    assert 'class="language-python highlight"' in page
    assert cards.render({"topics": ["metrics"]}, place).count("<article") == 1
    assert cards.render({"lesson": "lessons/day-137-retries.md"}, place).count("<article") == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "it names no deck; write `topic:"),
        ({"topic": "missing"}, "there is no deck docs/quizzes/missing.yml; decks are backoff"),
        ({"lesson": "lessons/none.md"}, "no card is read on 'lessons/none.md'"),
    ],
)
def test_a_cards_fence_with_wrong_settings_says_what_it_knows(place, options, says):
    with pytest.raises(FenceError, match=re.escape(says)):
        cards.render(options, place)


def test_due_says_without_javascript_where_to_ask(place):
    page = due.render({}, place)
    assert "journal quiz" in page
    assert "3 cards in 1 deck" in page
    assert 'class="rd-due" data-due' in page


def test_metrics_keep_every_figure_as_it_was_written(place):
    page = metrics.render({}, place)
    cells = re.findall(r"<td>([^<]*)</td>", page)
    assert cells == ["10.5", "7/7", "3", "7", "3.3/5"]
    assert page.count("<svg") == 2
    assert "One week is one point" in page


def test_metrics_on_a_page_that_is_no_week_say_where_weeks_lie(journal_site):
    with pytest.raises(FenceError, match=re.escape("docs/journal/month-MM/week-NN.md")):
        metrics.render({}, Place(journal_site.path, "index.md"))


def test_breadcrumbs_join_week_index_and_roadmap(journal_site, place):
    week = breadcrumbs.render({}, place)
    assert 'href="../../">Journal index</a>' in week
    assert 'href="../../../roadmap/#month-5-week-4">this week</a>' in week
    index = breadcrumbs.render({}, Place(journal_site.path, "journal/index.md"))
    assert 'href="../roadmap/"' in index
    assert 'href="month-05/week-04/">This week: Month 5' in index


def test_a_further_week_is_this_week_and_the_one_before_is_linked(journal_site, place):
    text = journal_site.read("docs/journal/month-05/week-04.md")
    new = text.replace("month: 5\nweek: 4", "month: 6\nweek: 1").replace("[134, 140]", "[141, 147]")
    journal_site.write("docs/journal/month-06/week-01.md", new)
    assert "this week" not in breadcrumbs.render({}, place)
    assert "Month 6 · Week 1 →" not in breadcrumbs.render({}, place)
    assert "→ Month 6 · Week 1" in breadcrumbs.render({}, place)
    weeks = journal_index.render({}, place)
    assert weeks.index("Month 6") < weeks.index("Month 5")
    states = re.findall(r"rd-road__stop--(\w+)", roadmap.render(ROADMAP, place))
    assert states == ["done", "done", "now"]


ROADMAP = {
    "places": [
        {"place": "Month 1", "month": 1, "what": "Errors."},
        {"place": "Month 5", "month": 5, "what": "The capstone."},
        {"place": "Month 6", "month": 6, "what": "Production."},
    ]
}


def test_the_roadmap_marks_done_now_and_next_from_the_newest_week(place):
    page = roadmap.render(ROADMAP, place)
    assert re.findall(r"rd-road__stop--(\w+)", page) == ["done", "now", "next"]
    assert 'id="month-5-week-4"' in page
    assert "this week" in page


def test_a_place_of_the_roadmap_without_a_month_is_refused(place):
    with pytest.raises(FenceError, match="a place has place, month, what"):
        roadmap.render({"places": [{"place": "Month 1"}]}, place)


def test_the_journal_index_shows_the_week_in_its_own_words(place):
    assert "From nothing to a <em>tag</em>." in journal_index.render({}, place)


def test_the_adr_log_links_what_replaced_a_decision_and_what_it_replaced(journal_site, place):
    journal_site.change("docs/adr/0004-full-jitter.md", "status: accepted", "status: superseded\nsuperseded_by: 5")
    journal_site.write(
        "docs/adr/0005-decorrelated.md",
        f"---\nstatus: accepted\ndate: 2026-11-22\nsupersedes: [4]\n---\n\n# ADR 0005: Decorrelated\n\n"
        f"## Confirmation\n\nSeen. Proof: `{TESTS}::test_herd`\n",
    )
    page = adr_log.render({}, place)
    assert text_of(page).startswith("No. Decision Status Date 0004 Full jitter superseded by 0005 2026-11-20 0005")
    assert "Decorrelated accepted replaces 0004 2026-11-22" in text_of(page)


def test_an_exercise_shows_its_readme_with_an_anchor_for_each_step(place):
    page = exercise.render({"slug": "backoff"}, place)
    assert 'data-exercise="backoff"' in page
    assert ".venv/bin/pytest exercises/backoff" in page
    assert '<h2 id="step-1">Step 1: ceiling</h2>' in page
    assert '<h2 id="step-2">' in page
    assert "<h1" not in page


def test_an_exercise_that_is_not_there_is_named(place):
    with pytest.raises(FenceError, match=re.escape("there is no exercises/nothing/README.md")):
        exercise.render({"slug": "nothing"}, place)


def test_lists_find_their_pages_by_looking(journal_site, place):
    assert "Day 137: Retries" in listing.render_lessons({}, place)
    assert "Backoff" in listing.render_exercises({}, place)
    assert "3 cards" in listing.render_decks({}, place)
    journal_site.write("docs/recall/error-chains.md", "---\ntitle: Chains\ndescription: Walk them.\n---\n# Chains\n")
    assert "Walk them." in listing.render_recall({}, place)
    journal_site.write(
        "notebooks/herd.ipynb",
        '{"cells": [{"cell_type": "markdown", "source": ["# The herd\\n", "Seen, *twice*. Then more."]}]}',
    )
    assert text_of(listing.render_notebooks({}, place)) == "The herd Seen, twice."


def test_a_setting_that_a_fence_does_not_have_is_named():
    with pytest.raises(FenceError, match="no setting 'topik'; known are topic"):
        settings("topik: backoff", "topic")
    with pytest.raises(FenceError, match="must be `key: value` lines, got 'backoff'"):
        settings("backoff", "topic")
    with pytest.raises(FenceError, match="is no YAML"):
        settings("a: [", "a")


def test_a_faulty_fence_is_shown_in_the_page_and_logged_where_strict_counts_it(journal_site, monkeypatch, caplog):
    monkeypatch.setenv("REDRIVE_ROOT", str(journal_site.path))
    page = convert("```cards\ntopic: none\n```\n")
    assert '<p class="rd-fault">The cards fence: there is no deck docs/quizzes/none.yml' in page
    assert [record.name for record in caplog.records] == ["mkdocs.journal.fences"]


def test_a_proof_becomes_a_mark_that_leads_to_the_page_of_its_test(journal_site, monkeypatch):
    monkeypatch.setenv("REDRIVE_ROOT", str(journal_site.path))
    page = convert(
        f"- The herd is flat.\n  Proof: `{TESTS}::test_herd`\n"
        f"- Both. Proofs: `{TESTS}::test_pop` and\n  `{TESTS}::test_herd`\n"
    )
    assert page.count('href="proofs/retries/#test-herd"') == 2
    assert page.count("<span>Proof, not run here: herd</span>") == 2
    assert "<details" not in page, "the test's source stands on a page of its own"
    assert "`tests" not in page


def test_the_page_of_a_test_says_what_it_did_and_where_it_is_a_proof(journal_site):
    pages = proof_pages(journal_site.path)
    assert set(pages) == {"proofs/index.md", "proofs/retries.md"}
    assert "## Herd {#test-herd}" in pages["proofs/retries.md"]
    (fence,) = re.findall(r"{#test-herd}\n\n```test\n(.*?)```", pages["proofs/retries.md"], re.DOTALL)
    place = Place(journal_site.path, "proofs/retries.md")
    page = proof_source.render(settings(fence, "id", "named"), place)
    assert "simulated 100 clients with jitter." in page
    assert "<dt>Otherwise</dt><dd>peaks.</dd>" in page
    assert 'href="../../quizzes/backoff/#card-backoff-01">backoff-01</a>' in page
    assert 'href="../../lessons/day-137-retries/"' in page
    assert ">test_herd</span>" in page


def test_a_proof_that_does_not_exist_is_marked_as_missing(journal_site, monkeypatch):
    monkeypatch.setenv("REDRIVE_ROOT", str(journal_site.path))
    page = convert(f"So it is. Proof: `{TESTS}::test_gone`\n")
    assert "proof missing" in page
    assert "data-proof" not in page


def test_a_proof_inside_code_is_left_alone(journal_site, monkeypatch):
    monkeypatch.setenv("REDRIVE_ROOT", str(journal_site.path))
    assert "rd-proof" not in convert(f"```text\nProof: `{TESTS}::test_herd`\n```\n")


@pytest.mark.parametrize(
    ("page", "target", "expected"),
    [
        ("index.md", "lessons/day-137-retries.md#full-jitter", "lessons/day-137-retries/#full-jitter"),
        ("lessons/day-137-retries.md", "index.md", "../../"),
        ("lessons/day-137-retries.md", "journal/index.md", "../../journal/"),
        ("lessons/day-137-retries.md", "lessons/day-137-retries.md#x", "#x"),
        ("journal/index.md", "roadmap.md", "../roadmap/"),
        ("roadmap.md", "adr/index.md", "../adr/"),
    ],
)
def test_links_are_relative_for_any_sub_path(journal_site, page, target, expected):
    assert Place(journal_site.path, page).link(target) == expected


@pytest.mark.parametrize(
    ("page", "target", "expected"),
    [
        ("index.md", "roadmap.md", "roadmap.html"),
        ("roadmap.md", "index.md", "index.html"),
        ("lessons/day-137-retries.md", "adr/index.md#x", "../adr/index.html#x"),
        ("journal/month-05/week-04.md", "roadmap.md#month-5-week-4", "../../roadmap.html#month-5-week-4"),
    ],
)
def test_links_name_files_in_the_copy_that_opens_from_disk(journal_site, page, target, expected):
    assert Place(journal_site.path, page, directory_urls=False).link(target) == expected


def test_links_name_sources_for_a_builder_that_makes_addresses_of_them(journal_site):
    place = Place(journal_site.path, "journal/month-05/week-04.md", source_links=True)
    assert place.link("lessons/day-137-retries.md#full-jitter") == "../../lessons/day-137-retries.md#full-jitter"
    assert place.link("journal/month-05/week-04.md#x") == "#x"
    assert Place(journal_site.path, "index.md", source_links=True).link("roadmap.md") == "roadmap.md"


def test_every_fence_of_the_configuration_can_be_pickled():
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor(
        "tag:yaml.org,2002:python/name:",
        lambda _loader, suffix, _node: attrgetter(suffix.rpartition(".")[2])(import_module(suffix.rpartition(".")[0])),
    )
    found = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)
    extensions = [one for one in found["markdown_extensions"] if isinstance(one, dict)]
    fences = next(one for one in extensions if "pymdownx.superfences" in one)["pymdownx.superfences"]["custom_fences"]
    assert len(fences) > 20
    for fence in fences:
        assert pickle.loads(pickle.dumps(fence["format"])) == fence["format"]


def test_a_link_to_nothing_is_logged_where_strict_counts_it(journal_site, caplog):
    Place(journal_site.path, "index.md").link("lessons/none.md")
    assert "docs/index.md: links to lessons/none.md, which does not exist" in caplog.text


def test_markdown_in_a_card_links_from_where_the_deck_lies(place):
    page = markup.render(
        "[why](../adr/0004-full-jitter.md), 3.3/5, [gone](../../src/x.py)", place, folder="docs/quizzes"
    )
    assert 'href="../../../adr/0004-full-jitter/"' in page
    assert "3.3/5" in page
    assert "<span>gone</span>" in page


def test_a_task_list_names_its_boxes():
    page = markdown.markdown("- [x] a\n- [ ] b\n", extensions=["pymdownx.tasklist", "journal.site.fences.tasks"])
    assert re.findall('aria-label="([^"]+)"', page) == ["done", "open"]


def test_every_card_of_the_library_renders_with_question_and_answer(place):
    decks = library(place.root).decks
    for card in decks.cards.values():
        page = cards.render_card(card, place)
        assert page.count("<details") == 1
        assert 'class="rd-card__answer"' in page
