"""The sitting in a notebook: what its buttons do, and what remains where there are none."""

from __future__ import annotations

import pytest

from journal.review.history import History
from journal.review.notebook import cards_in, quiz

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def begin(folder, recording, monkeypatch):
    monkeypatch.setenv("REDRIVE_ROOT", str(folder.path))
    return quiz


def shown(widget):
    return widget.layout.display != "none"


def test_buttons_reveal_rate_and_record(begin, recording):
    review = begin()
    assert review.question.value == "<p>What does full jitter draw?</p>"
    assert review.progress.value == "backoff · 3 left · new"
    assert shown(review.reveal)
    assert not shown(review.answer)
    review.reveal.click()
    assert "A delay uniform between zero and the ceiling." in review.answer.value
    assert shown(review.answer)
    assert not shown(review.reveal)
    assert [button.description for button in review.ratings.values()] == [
        "1 again (1 min)",
        "2 hard (6 min)",
        "3 good (10 min)",
        "4 easy (8 days)",
    ]
    review.ratings[4].click()
    assert review.told.value == "easy: back in 8 days."
    assert "Two clients fail at once" in review.question.value
    [event] = History(recording).load().events
    assert event.fields == {"card": "backoff-01", "rating": 4, "where": "notebook"}


def test_undo_skip_and_summary(begin, recording):
    review = begin()
    assert review.undo.disabled
    review.ratings[1].click()
    assert not review.undo.disabled
    review.undo.click()
    assert review.told.value == "Taken back."
    assert "full jitter" in review.question.value
    review.ratings[3].click()
    review.skip.click()
    review.skip.click()
    assert review.question.value == "<p>Done: 1 card: 1 good. 1 card of these come back today.</p>"
    assert review.skip.disabled
    review.skip.click()
    assert [event.kind for event in History(recording).load().events] == ["review", "undo", "review"]


def test_answer_that_cannot_be_written_is_said_and_the_card_stays(begin, recording):
    review = begin()
    recording.mkdir()
    review.ratings[3].click()
    assert "Not recorded:" in review.told.value
    assert "full jitter" in review.question.value


def test_without_widgets_the_cards_stand_with_folded_answers(begin, recording):
    bundle = begin()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    page = bundle["text/html"]
    assert page.count("<details><summary>Answer</summary>") == 3
    assert "<p>At every retry.</p>" in page
    assert "backoff-01: What does full jitter draw?" in bundle["text/plain"]
    assert not recording.exists()


def test_card_text_never_becomes_script(begin, folder):
    folder.change("docs/quizzes/backoff.yml", "What may be retried?", "<script>alert(1)</script> <b onclick=x>y</b>")
    page = begin().folded()
    assert "<script" not in page
    assert "<b " not in page
    assert "&lt;script&gt;" in page


def test_nothing_due_and_unknown_topic_are_said(begin, folder):
    with pytest.raises(ValueError, match="there is no deck 'gone'; the decks are backoff"):
        begin("gone")
    folder.write("docs/quizzes/backoff.yml", "topic: backoff\ntitle: B\ncards: []\n")
    review = begin()
    assert "Nothing is due" in review.question.value
    assert "Nothing is due" in review.folded()
    assert cards_in("backoff") == 0
    assert cards_in("gone") == 0


def test_faults_are_shown_and_the_rest_is_asked(begin, folder):
    folder.change("docs/quizzes/backoff.yml", "answer: What is transient.", "answer:")
    review = begin()
    assert "docs/quizzes/backoff.yml:21" in review.told.value
    assert review.sitting.left == 2
