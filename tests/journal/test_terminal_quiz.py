"""`journal quiz` on a real terminal: keys in, words out, the history behind it."""

from __future__ import annotations

import os
import re
import select
import sys
import time

import pytest

from journal.review.history import History

if os.name == "nt":
    pytest.skip("there are no pseudo-terminals on Windows", allow_module_level=True)

import pty

LIMIT_S = 30


class Terminal:
    """A `journal quiz` on a pseudo-terminal."""

    def __init__(self, root, history, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(REDRIVE_ROOT=str(root), REDRIVE_HISTORY=str(history), TERM="dumb")
            os.environ.pop("REDRIVE_NO_HISTORY", None)
            code = "import sys; from journal.cli import run; sys.exit(run(sys.argv[1:]))"
            os.execv(sys.executable, [sys.executable, "-c", code, "quiz", *arguments])
        self.shown = ""

    def until(self, words, *, pressing=""):
        """Return what was shown up to `words`; with `pressing`, type that again in every second without an answer.

        Ctrl+C needs it: Python notes one that comes between a prompt and its read, and goes on reading.
        """
        give_up_at = time.monotonic() + LIMIT_S
        self.type(pressing)
        while words not in self.shown:
            ready, _, _ = select.select([self.fd], [], [], 1)
            if not ready:
                assert time.monotonic() < give_up_at, f"waited for {words!r} in vain; shown was {self.shown!r}"
                self.type(pressing)
                continue
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            assert data, f"ended without {words!r}; shown was {self.shown!r}"
            self.shown += re.sub(r"\x1b\[\d*m", "", data.decode())
        before, _, self.shown = self.shown.partition(words)
        return before

    def type(self, text):
        os.write(self.fd, text.encode())

    def exit_code(self):
        """Read what is left and return the exit code."""
        while True:
            try:
                if not os.read(self.fd, 4096):
                    break
            except OSError:
                break
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


@pytest.fixture
def start(folder, recording):
    return lambda *arguments: Terminal(folder.path, recording, *arguments)


def test_sitting_reveals_rates_undoes_asks_missed_cards_again_and_sums_up(start, recording):
    quiz = start()
    quiz.until("backoff · 3 left · new")
    quiz.until("Enter to reveal: ")
    quiz.type("\n")
    quiz.until("A delay uniform between zero and the ceiling.")
    quiz.until("docs/lessons/day-137-retries.md#full-jitter")
    quiz.until("1 again (1 min)   2 hard (6 min)   3 good (10 min)   4 easy (8 days): ")
    quiz.type("7\n")
    quiz.until("'7' is not one of 1, 2, 3, 4, q, u, s.")
    quiz.until("4 easy (8 days): ")
    quiz.type("4\n")
    quiz.until("easy: back in 8 days")
    quiz.until("Enter to reveal: ")
    quiz.type("u\n")
    quiz.until("Taken back.")
    quiz.until("What does full jitter draw?")
    quiz.until("Enter to reveal: ")
    quiz.type("\n")
    quiz.until("4 easy (8 days): ")
    quiz.type("1\n")
    quiz.until("again: back in 1 min")
    for _ in range(2):
        quiz.until("Enter to reveal: ")
        quiz.type("\n")
        quiz.until("4 easy (8 days): ")
        quiz.type("4\n")
    quiz.until("backoff · 1 left")
    quiz.until("What does full jitter draw?")
    quiz.until("Enter to reveal: ")
    quiz.type("q\n")
    quiz.until("3 cards, 3 answers: 1 again, 2 easy.")
    quiz.until("1 card left for another sitting.")
    quiz.until("1 of these comes back today, the first at ")
    assert quiz.exit_code() == 0
    events = History(recording).load().events
    assert [event.kind for event in events] == ["review", "undo", "review", "review", "review"]
    assert {event.fields["where"] for event in events} == {"terminal"}


def test_interrupt_and_end_of_input_end_the_sitting_and_keep_the_answers(start, recording):
    quiz = start()
    quiz.until("Enter to reveal: ")
    quiz.type("\n")
    quiz.until("4 easy (8 days): ")
    quiz.type("3\n")
    quiz.until("Enter to reveal: ")
    quiz.until("stopped; every answer so far is kept", pressing="\x03")
    assert quiz.exit_code() == 130
    quiz = start()
    quiz.until("Enter to reveal: ")
    quiz.type("\x04")
    quiz.until("No answers in this sitting.")
    assert quiz.exit_code() == 0
    assert len(History(recording).load().events) == 1


def test_nothing_due_says_how_to_ask_everything(start, folder):
    folder.write("docs/quizzes/backoff.yml", "topic: backoff\ntitle: B\ncards: []\n")
    quiz = start()
    quiz.until("There are no cards yet")
    assert quiz.exit_code() == 0
