"""Decisions, weekly reviews, lessons and proofs: each rule, broken, is reported with file and line."""

from __future__ import annotations

from datetime import date

import pytest

from journal.check import check_all
from journal.content.library import library
from journal.content.pages import read_page, slugify
from journal.content.settings import Settings
from journal.content.weeks import Place, next_place
from journal.proofs import evidence

ADR = "docs/adr/0004-full-jitter.md"
WEEK = "docs/journal/month-05/week-04.md"
LESSON = "docs/lessons/day-137-retries.md"
TESTS = "tests/course/lessons/test_retries.py"


def faults(folder):
    return [str(problem) for problem in check_all(library(folder.path))]


def adr(folder, number, status="accepted", **front):
    lines = "".join(f"{key}: {value}\n" for key, value in front.items())
    folder.write(
        f"docs/adr/{number:04d}-words.md",
        f"---\nstatus: {status}\ndate: 2026-11-21\n{lines}---\n\n# {number}. Words\n\n## Confirmation\n\n"
        f"Seen. Proof: `{TESTS}::test_{number}`\n",
    )
    folder.write(
        TESTS,
        folder.read(TESTS) + f'\n\ndef test_{number}():\n    """Did: a.\n\n    Saw: b.\n    Otherwise: c.\n    """\n',
    )


def test_content_without_a_fault_passes(folder):
    assert faults(folder) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (ADR, "status: accepted", "status: done", f"{ADR}:4: status is 'done'; it is one of proposed, accepted"),
        (ADR, "date: 2026-11-20", "date: today", f"{ADR}:5: date is 'today'"),
        (
            ADR,
            "date: 2026-11-20",
            "date: 2026-11-20\nsupersedes: 9",
            f"{ADR}:6: supersedes names decision 9, and there is",
        ),
        (ADR, "date: 2026-11-20", "date: 2026-11-20\nsupersedes: 4", f"{ADR}:6: supersedes names the decision itself"),
        (ADR, "date: 2026-11-20", "date: 2026-11-20\nsupersedes: four", f"{ADR}:6: supersedes is 'four'"),
        (ADR, "status: accepted", "status: superseded", f"{ADR}:4: the status is superseded, and nothing says by what"),
        (ADR, "# Full jitter", "Full jitter", f"{ADR}:1: the decision has no title"),
        (ADR, "## Confirmation", "## Afterword", f"{ADR}:1: the decision has no Confirmation section"),
        (ADR, " Proof: `", " `", f"{ADR}:10: the Confirmation names no test"),
        (ADR, "::test_herd", "::test_gone", f"{ADR}:12: the proof of this claim is no proof: {TESTS} defines no test"),
        (ADR, "date: 2026-11-20\n---", "date: 2026-11-20", f"{ADR}:1: front matter begins here and never ends"),
        (ADR, "status: accepted", "status: : accepted", f"{ADR}:4: the front matter is no YAML"),
        (WEEK, "hours: 10.5", "hours: many", f"{WEEK}:7: hours is 'many'; it is a number from 0 to 168"),
        (WEEK, "days_hit: 7/7", "days_hit: 8/7", f"{WEEK}:8: days_hit is '8/7'"),
        (WEEK, "confidence: 3.3", "confidence: 5.1", f"{WEEK}:11: confidence is '5.1'"),
        (WEEK, "days: [134, 140]", "days: [134, 141]", f"{WEEK}:6: days 134 to 141 are 8 days"),
        (WEEK, "days: [134, 140]", "days: 134", f"{WEEK}:6: days must be the first and the last"),
        (WEEK, "week: 4", "week: 3", f"{WEEK}:4: the front matter says month 5, week 3; its path says otherwise"),
        (WEEK, "commits: 7\n", "", f"{WEEK}:2: commits is ''"),
        (WEEK, f"\n  Proof: `{TESTS}::test_pop`", "", f"{WEEK}:18: this lesson learned names no proof"),
        (LESSON, "exercise: backoff", "exercise: [backoff, gone]", f"{LESSON}:5: the page links exercise 'gone'"),
        (LESSON, "deck: backoff", "deck: gone", f"{LESSON}:6: the page links deck 'gone'"),
        (LESSON, "adrs: [4]", "adrs: [4, 7]", f"{LESSON}:7: the page links decision 7"),
        (LESSON, "adrs: [4]", "adrs: [x]", f"{LESSON}:7: adrs holds 'x'"),
        (LESSON, "description: How to retry.\n", "", f"{LESSON}:2: the page has no description"),
        (LESSON, "day: 137", "day: 138", f"{LESSON}:4: day is '138'"),
        (TESTS, "    Otherwise: one job left.\n", "", "lacks `Otherwise: …`"),
        (TESTS, "def test_pop", "def pop", f"{WEEK}:19: the proof of this claim is no proof: {TESTS} defines no test"),
    ],
)
def test_broken_rule_is_reported_with_file_and_line(folder, name, old, new, says):
    folder.change(name, old, new)
    found = faults(folder)
    assert any(says in fault for fault in found), found


def test_decision_superseded_one_way_only_is_reported(folder):
    adr(folder, 5, supersedes=4)
    assert any(
        f.startswith("docs/adr/0005-words.md:4: supersedes names decision 4, but docs/adr/0004-full-jitter.md lacks")
        for f in faults(folder)
    )
    folder.change(ADR, "status: accepted", "status: superseded\nsuperseded_by: 5")
    assert not any("supersede" in fault for fault in faults(folder))


def test_decision_superseded_but_still_accepted_is_reported(folder):
    adr(folder, 5, supersedes=4)
    folder.change(ADR, "status: accepted", "status: accepted\nsuperseded_by: 5")
    assert any(f.startswith(f"{ADR}:4: the status is accepted, and superseded_by names 5") for f in faults(folder))


def test_decisions_in_a_circle_are_reported(folder):
    adr(folder, 5, "superseded", supersedes=6, superseded_by=6)
    adr(folder, 6, "superseded", supersedes=5, superseded_by=5)
    found = faults(folder)
    assert any("decisions 5, 6 supersede each other in a circle" in f for f in found), found


def test_decision_numbers_and_names_are_checked(folder):
    folder.write("docs/adr/0004-again.md", folder.read(ADR))
    folder.write("docs/adr/five.md", folder.read(ADR))
    found = faults(folder)
    assert any("number 4 is taken by docs/adr/0004-again.md" in f for f in found), found
    assert any(f.startswith("docs/adr/five.md: a decision's file is named NNNN-words.md") for f in found)


def test_decision_is_read(folder):
    [one], problems = library(folder.path).decisions, library(folder.path).problems
    assert problems == []
    assert (one.number, one.title, one.status) == (4, "Full jitter", "accepted")
    assert one.confirmation[0].text == "The herd is flat."


def test_weeks_figures_are_read(folder):
    [week] = library(folder.path).weeks
    metrics = week.metrics
    assert (metrics.hours, metrics.days_hit, metrics.exercises, metrics.commits) == (10.5, 7, 3, 7)
    assert metrics.confidence == 3.3
    assert (week.first_day, week.last_day, week.days) == (134, 140, 7)


def test_week_after_the_months_fourth_begins_a_month(folder):
    weeks = library(folder.path).weeks
    around = (date(2026, 11, 23), date(2026, 11, 29))
    assert next_place(weeks, date(2026, 11, 24), Settings()) == Place(6, 1, 141, 147, around)
    folder.write("docs/journal/month-06/week-01.md", folder.read(WEEK).replace("month: 5", "month: 6"))
    folder.change("docs/journal/month-06/week-01.md", "week: 4", "week: 1")
    weeks, problems = library(folder.path).weeks, library(folder.path).week_problems
    assert "begins on day 134, and docs/journal/month-05/week-04.md ends on day 140" in problems[0].message
    assert next_place([], date(2026, 11, 29), Settings()) == Place(1, 1, 1, 7, around)


def test_dates_of_a_week_follow_those_of_the_one_before(folder):
    folder.change(WEEK, "days: [134, 140]", "days: [134, 140]\ndates: [2026-11-19, 2026-11-25]")
    weeks, problems = library(folder.path).weeks, library(folder.path).week_problems
    assert (problems, weeks[0].dates) == ([], (date(2026, 11, 19), date(2026, 11, 25)))
    assert next_place(weeks, date(2026, 12, 24), Settings()).dates == (date(2026, 11, 26), date(2026, 12, 2))
    later = folder.read(WEEK).replace("month: 5", "month: 6").replace("week: 4", "week: 1")
    folder.write("docs/journal/month-06/week-01.md", later.replace("[134, 140]", "[141, 147]"))
    problems = library(folder.path).week_problems
    assert "begins on 2026-11-19, and docs/journal/month-05/week-04.md ends on 2026-11-25" in problems[0].message


@pytest.mark.parametrize("dates", ["[2026-11-19]", "[2026-11-19, 2026-11-26]", "[2026-11-19, soon]", "2026-11-19"])
def test_dates_that_are_no_seven_days_are_told(folder, dates):
    folder.change(WEEK, "days: [134, 140]", f"days: [134, 140]\ndates: {dates}")
    assert [f"{WEEK}:7: dates must be the first and the last of 7 days, as [2026-11-23, 2026-11-29]"] == faults(folder)


def test_links_of_a_recall_page_are_checked(folder):
    folder.write("docs/recall/channels.md", "---\ntitle: C\ndescription: D\ndeck: gone\n---\n\n# C\n")
    assert faults(folder) == [
        "docs/recall/channels.md:4: the page links deck 'gone', and there is no docs/quizzes/gone.yml"
    ]
    folder.change("docs/recall/channels.md", "deck: gone", "deck: backoff")
    assert faults(folder) == []


def test_third_claim_on_one_test_is_reported(folder):
    folder.change(LESSON, "Spread them.", f"Three. Proof: `{TESTS}::test_herd`\n\nSpread them.")
    assert any("is the proof of 3 claims" in fault and "at most 2" in fault for fault in faults(folder))


def test_claims_are_list_items_paragraphs_and_rows(folder):
    folder.write(
        "docs/claims.md",
        "A paragraph\nover two lines.\nProof: `tests/a.py::test_a`, `tests/b.py::test_b`\n\n- one `code`\n- two.\n"
        "  Proof:\n  `tests/c.py::test_c`\n\n| row | Proof: `tests/d.py::test_d` |\n\n```\nProof: `no`\n```\n",
    )
    claims = [claim for claim in library(folder.path).claims if claim.path == "docs/claims.md"]
    assert [(claim.line, claim.text, claim.proofs) for claim in claims] == [
        (3, "A paragraph over two lines.", ("tests/a.py::test_a", "tests/b.py::test_b")),
        (8, "two.", ("tests/c.py::test_c",)),
        (10, "| row |", ("tests/d.py::test_d",)),
    ]


def test_evidence_is_read_from_the_docstring(folder):
    found = evidence(folder.path, f"{TESTS}::test_herd")
    assert (found.did, found.saw) == ("simulated 100 clients with jitter.", "a flat line.")
    assert found.missing == ()


def test_card_whose_proof_says_nothing_is_reported(folder):
    folder.change("docs/quizzes/backoff.yml", "::test_herd", "::TestPops::test_inside")
    assert any("docs/quizzes/backoff.yml:4: the proof of card 'backoff-01' is no proof" in f for f in faults(folder))


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("## Full jitter", "full-jitter"),
        ("## `time.sleep` and *you*", "timesleep-and-you"),
        ("## What's the SLO? {#slo}", "slo"),
        ("## [Link](page.md) – a dash", "link-a-dash"),
        ("## 4. snake_case stays ##", "4-snake_case-stays"),
        ("## Émigré & co", "emigre-co"),
    ],
)
def test_anchor_is_the_one_that_the_site_gives(folder, heading, anchor):
    import markdown

    folder.write("docs/page.md", f"{heading}\n")
    page, _ = read_page(folder.path / "docs/page.md", folder.path)
    assert [found.anchor for found in page.headings] == [anchor]
    rendered = markdown.markdown(heading, extensions=["toc", "attr_list"])
    assert f'id="{anchor}"' in rendered


def test_repeated_heading_gets_the_number_that_the_site_gives(folder):
    folder.write("docs/page.md", "# A\n\n## Step\n\n```\n# code\n```\n\n## Step\n")
    page, _ = read_page(folder.path / "docs/page.md", folder.path)
    assert [heading.anchor for heading in page.headings] == ["a", "step", "step_1"]
    assert slugify("A  b") == "a-b"


def test_decks_of_this_journal_ask_at_least_a_third_to_predict(pytestconfig):
    decks = library(pytestconfig.rootpath).decks
    predict = sum(card.kind == "predict" for card in decks.cards.values())
    assert 3 * predict >= len(decks.cards), f"{predict} of {len(decks.cards)} cards ask what will happen"


def test_content_of_this_journal_has_no_fault(pytestconfig):
    problems = check_all(library(pytestconfig.rootpath))
    assert not problems, "\n".join(str(problem) for problem in problems)
