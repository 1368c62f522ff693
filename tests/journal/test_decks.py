"""Decks: every fault is reported, all at once, with its file and line."""

from __future__ import annotations

import pytest

from journal.content.cards.references import reference_problems
from journal.content.library import library

DECK = "docs/quizzes/backoff.yml"


def faults(folder):
    content = library(folder.path)
    return [str(problem) for problem in sorted(content.deck_problems + reference_problems(content))]


def test_valid_deck_gives_its_cards(folder):
    decks = library(folder.path).decks
    card = decks.cards["backoff-01"]
    assert (card.kind, card.topic, card.adr, card.line) == ("recall", "backoff", 4, 4)
    assert card.answer == "A delay uniform between zero and the ceiling."
    assert (card.lesson_page, card.lesson_anchor) == ("lessons/day-137-retries.md", "full-jitter")
    assert [found.id for found in decks.of_step("backoff", 2)] == ["backoff-01", "backoff-02"]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("  - id: backoff-03\n    question", "  - question", 19, "a card has no id"),
        ("    answer: What is transient.\n", "", 19, "card 'backoff-03' has no answer"),
        ("answer: What is transient.", "answer:", 21, "card 'backoff-03' has no answer"),
        ("    question: What may be retried?\n", "", 19, "card 'backoff-03' has no question"),
        ("answer: What is transient.", "answer: " + "word " * 41, 21, "has 41 words, and at most 40"),
        ("answer: What is transient.", "answer: x\n    hint: y", 22, "a card has no key 'hint'"),
        ("answer: What is transient.", "answer: x\n    answer: y", 22, "the key 'answer' stands twice"),
        ("id: backoff-03", "id: backoff-02", 19, "card id 'backoff-02' is taken at docs/quizzes/backoff.yml:13"),
        ("id: backoff-03", "id: Backoff 3", 19, "card id 'Backoff 3' must be lower-case"),
        ("kind: predict", "kind: guess", 14, "kind of card 'backoff-02' is 'guess'"),
        ("md#what-to-retry", "md#nowhere", 19, "has no heading #nowhere; its headings are full-jitter, rel"),
        ("day-137-retries.md#what", "day-99.md#what", 19, "its lesson docs/lessons/day-99.md does not exist"),
        ("day-137-retries.md#what-to-retry", "day-137-retries.md", 22, "names no lesson heading"),
        (
            "step: backoff/2\n    adr",
            "step: backoff/7\n    adr",
            4,
            "exercise backoff has no step 7; its tests mark 1, 2",
        ),
        ("step: backoff/2\n    adr", "step: gone/1\n    adr", 4, "there is no exercise exercises/gone/ with tests"),
        ("step: backoff/2\n    adr", "step: two\n    adr", 10, "step of card 'backoff-01' is 'two'"),
        ("adr: 4", "adr: 5", 4, "there is no decision docs/adr/0005-*.md"),
        ("adr: 4", "adr: four", 11, "write the decision's number"),
        ("::test_herd", "::test_gone", 4, "defines no test 'test_gone'"),
        (
            "lessons/test_retries.py::",
            "lessons/test_gone.py::",
            4,
            "test file tests/course/lessons/test_gone.py does not",
        ),
        (
            "proof: tests/course/lessons/test_retries.py::test_herd",
            "proof: seen it",
            12,
            "proof of card 'backoff-01' is",
        ),
        ("topic: backoff", "topic: jitter", 1, "topic is 'jitter', and the file is backoff.yml"),
        ("title: Retries and backoff\n", "", 1, "the deck has no title"),
        ("topic: backoff", "topic: backoff\nauthor: me", 2, "a deck has no key 'author'"),
        ("cards:", "cards: [", 4, "is no YAML"),
    ],
)
def test_fault_is_reported_with_file_and_line(folder, old, new, line, says):
    folder.change(DECK, old, new)
    found = faults(folder)
    assert any(text.startswith(f"{DECK}:{line}: ") and says in text for text in found), found


def test_all_faults_are_reported_at_once(folder):
    folder.change(DECK, "answer: What is transient.", "answer:")
    folder.change(DECK, "kind: predict", "kind: guess")
    folder.change(DECK, "adr: 4", "adr: 9")
    assert [text.split(":")[1] for text in faults(folder)] == ["4", "14", "21"]


def test_retired_id_used_again_is_refused_in_any_deck(folder):
    folder.write(
        "docs/quizzes/other.yml",
        "topic: other\ntitle: Other\ncards: []\nretired:\n  - {id: backoff-03, on: 2026-11-01, why: wrong}\n",
    )
    [fault] = faults(folder)
    assert fault.startswith(f"{DECK}:19: card id 'backoff-03' was retired at docs/quizzes/other.yml:5 and cannot be")


def test_retired_entry_needs_date_and_reason_and_still_holds_its_id(folder):
    folder.change(DECK, "cards:", "retired:\n  - {id: backoff-02, on: soon}\ncards:")
    found = "\n".join(faults(folder))
    assert "has the date 'soon'" in found
    assert "gives no reason" in found
    assert "card id 'backoff-02' was retired" in found


def test_deck_with_a_faulty_card_still_asks_the_others(folder):
    folder.change(DECK, "answer: What is transient.", "answer:")
    content = library(folder.path)
    decks, problems = content.decks, content.deck_problems
    assert list(decks.cards) == ["backoff-01", "backoff-02"]
    assert len(problems) == 1


def test_words_that_yaml_takes_for_values_stay_words(folder):
    folder.change(DECK, "answer: What is transient.", "answer: no")
    assert library(folder.path).decks.cards["backoff-03"].answer == "no"


def test_proof_in_a_test_class_is_found(folder):
    folder.change(DECK, "::test_herd", "::TestPops::test_inside")
    assert faults(folder) == []
