"""Every way in which the chain can be broken is reported with file and line; a failed run ends with where to read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from grading.steps import where_to_read
from journal.check import check_all
from journal.content.library import library
from journal.content.links import chain_problems
from journal.review.history import default_history, new_event
from journal.review.learner_runs import cards_of_failed_steps, record_run

README = "exercises/backoff/README.md"
LESSON = "docs/lessons/day-137-retries.md"
ADR = "docs/adr/0004-full-jitter.md"
JITTER = "lessons/day-137-retries.md#full-jitter"


def test_content_whose_chain_is_whole_passes(folder):
    assert chain_problems(library(folder.path)) == []
    chain = library(folder.path).links
    assert chain.headings_of_step("backoff/2") == [JITTER]
    assert chain.steps_of_heading(JITTER) == ["backoff/2"]
    assert chain.adrs_of_heading(JITTER) == [4]
    assert chain.cards_of_heading(JITTER) == ["backoff-01", "backoff-02"]
    assert chain.cards_of_adr(4) == ["backoff-01", "backoff-02"]
    assert chain.adrs_of_card("backoff-02") == [4]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (README, "Read: [Full jitter]", "See [Full jitter]", f"{README}:7: step backoff/2 does not say where to read"),
        (README, "md#full-jitter", "md#half-jitter", f"{README}:9: step backoff/2 is read at lessons/day-137-re"),
        (README, "day-137-retries.md#full", "day-999.md#full", f"{README}:9: step backoff/2 is read at lessons/day-9"),
        (README, "#what-to-retry", "#what-hangs-together", f"{README}:5: step backoff/1 is read at {JITTER[:26]}"),
        (LESSON, "Decided in [ADR 4](../adr/0004-full-jitter.md).", "", f"{ADR}:1: no lesson links decision 4"),
        (LESSON, "Decided in [ADR 4](../adr/0004-full-jitter.md).", "", f"{LESSON}:1: the front matter names dec"),
        (LESSON, "0004-full-jitter.md", "0009-gone.md", "links decision 9, and there is none of that number"),
        (LESSON, "```chain\n```", "", f"{LESSON}:1: the page does not show what it hangs together with"),
        (ADR, "```chain\n```", "", f"{ADR}:1: the page does not show what it hangs together with"),
    ],
)  # fmt: skip
def test_hole_is_reported_with_file_and_line(folder, file, old, new, says):
    folder.change(file, old, new)
    found = [str(problem) for problem in check_all(library(folder.path))]
    assert any(says in fault for fault in found), found


def test_decision_of_which_no_card_asks_is_reported(folder):
    folder.change(LESSON, "Decided in [ADR 4](../adr/0004-full-jitter.md).\n", "")
    folder.change(
        LESSON, "# no heading\n```", "# no heading\n```\n\n## Alone\n\nSee [ADR 4](../adr/0004-full-jitter.md)."
    )
    folder.change("docs/quizzes/backoff.yml", "    adr: 4\n", "")
    assert [str(problem) for problem in chain_problems(library(folder.path))] == [
        f"{ADR}:1: no card asks of decision 4; write one with `adr: 4`, or for a heading that links it"
    ]


def test_decision_that_is_only_proposed_need_not_be_taught(folder):
    folder.change(ADR, "status: accepted", "status: proposed")
    folder.change(LESSON, "Decided in [ADR 4](../adr/0004-full-jitter.md).\n", "")
    folder.change(LESSON, "adrs: [4]\n", "")
    folder.change(ADR, "```chain\n```", "")
    assert chain_problems(library(folder.path)) == []


def test_faults_of_cards_are_not_reported_again_as_holes(folder):
    folder.change("docs/quizzes/backoff.yml", "answer: What is transient.", "answer:")
    assert [problem.path for problem in check_all(library(folder.path))] == ["docs/quizzes/backoff.yml"]


def test_grading_finds_where_to_read_without_the_journal(folder):
    readme = folder.path / README
    assert where_to_read(readme, 1) == ["docs/lessons/day-137-retries.md#what-to-retry"]
    assert where_to_read(readme, 2) == [f"docs/{JITTER}"]
    assert where_to_read(readme, 3) == []
    assert where_to_read(folder.path / "exercises/gone/README.md", 1) == []


def test_failed_run_says_which_cards_are_due_and_which_were_never_asked(folder, recording, monkeypatch, noon):
    monkeypatch.delenv("CI", raising=False)
    folder.write("exercises/backoff/backoff.py", "pass\n")
    learner = folder.path / "exercises/backoff/backoff.py"
    assert cards_of_failed_steps("backoff", [2], learner) == [
        "2 flash cards on this are waiting: .venv/bin/journal quiz --topic backoff --all"
    ]
    default_history(folder.path).append(
        new_event("review", {"card": "backoff-02", "rating": 4, "where": "terminal"}, noon - timedelta(days=30))
    )
    assert record_run("backoff", {1: "passed", 2: "failed"}, learner)
    assert cards_of_failed_steps("backoff", [2], learner) == [
        "1 flash card on this is due, because it failed: .venv/bin/journal quiz --topic backoff",
        "1 flash card on this is waiting: .venv/bin/journal quiz --topic backoff --all",
    ]
    assert cards_of_failed_steps("backoff", [], learner) == []
