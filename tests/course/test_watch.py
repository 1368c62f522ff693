"""`journal watch` runs the step at hand after every save, on a scripted terminal: no test waits."""

from __future__ import annotations

import pytest

from grading.steps import steps_in
from journal.course.watch import MISSING_AFTER, Watch, run_pytest

FILE = "exercises/toy/toy.py"


class Scripted:
    """Answers runs from a list, does one thing at each wait, and is interrupted when nothing is left to do."""

    def __init__(self, root, passed=(), at_waits=()):
        self.root, self.passed, self.at_waits = root, list(passed), list(at_waits)
        self.seen = []

    def clear(self):
        self.seen.append("cleared")

    def say(self, text):
        self.seen.append(text.strip())

    def wait(self, seconds):
        assert 0 < seconds < 1
        if not self.at_waits:
            raise KeyboardInterrupt
        self.at_waits.pop(0)()

    def run(self, tests):
        self.seen.append(tests.relative_to(self.root).as_posix())
        passed = self.passed.pop(0)
        return passed() if callable(passed) else passed

    @property
    def runs(self):
        return [line for line in self.seen if line.startswith("exercises/toy") and "is gone" not in line]


def watch(toy, terminal, first=1):
    Watch(toy.root, "toy", list(steps_in(toy.root / "exercises/toy").values()), first, terminal).run()


def saver(toy, text):
    return lambda: (toy.root / FILE).write_text(text)


ONE, TWO, WHOLE = "exercises/toy/test_1_double_it.py", "exercises/toy/test_2_take_one.py", "exercises/toy"


def test_a_save_runs_the_step_again_and_a_passed_step_leads_to_the_next(toy):
    rest = [n for n in steps_in(toy.root / "exercises/toy") if n > 2]
    terminal = Scripted(toy.root, [False, True, True, *[True] * len(rest), True], [lambda: None, saver(toy, "x = 1\n")])
    watch(toy, terminal)
    assert terminal.runs[:3] == [ONE, ONE, TWO]
    assert terminal.runs[-1] == WHOLE
    assert all(terminal.seen[at - 1] == "cleared" for at, line in enumerate(terminal.seen) if line in terminal.runs)


def test_a_failed_step_says_what_to_save_and_waits(toy):
    terminal = Scripted(toy.root, [False])
    with pytest.raises(KeyboardInterrupt):
        watch(toy, terminal)
    assert terminal.runs == [ONE]
    assert terminal.seen[-1] == f"Step 1, double it. Save {FILE} to run it again; Ctrl+C stops."


def test_the_watch_begins_with_the_step_at_hand(toy):
    terminal = Scripted(toy.root, [False])
    with pytest.raises(KeyboardInterrupt):
        watch(toy, terminal, first=2)
    assert terminal.runs == [TWO]


def test_a_save_during_a_run_is_not_missed(toy):
    def saved_meanwhile():
        saver(toy, "y = 22\n")()
        return False

    terminal = Scripted(toy.root, [saved_meanwhile, False])
    with pytest.raises(KeyboardInterrupt):
        watch(toy, terminal)
    assert terminal.runs == [ONE, ONE]


def test_a_deleted_file_is_named_once_and_waited_for(toy):
    file = toy.root / FILE
    waits = [file.unlink, *[lambda: None] * (MISSING_AFTER + 2), saver(toy, "z = 333\n")]
    terminal = Scripted(toy.root, [False, False], waits)
    with pytest.raises(KeyboardInterrupt):
        watch(toy, terminal)
    assert sum("is gone" in line for line in terminal.seen) == 1
    assert terminal.runs == [ONE, ONE]


def test_a_step_that_broke_meanwhile_brings_all_steps_back_after_a_save(toy):
    count = len(steps_in(toy.root / "exercises/toy"))
    terminal = Scripted(toy.root, [*[True] * count, False, False], [saver(toy, "broken = 1\n")])
    with pytest.raises(KeyboardInterrupt):
        watch(toy, terminal)
    assert terminal.runs[count:] == [WHOLE, ONE]


def test_a_run_is_the_learners_own_command_and_survives_a_syntax_error(toy, capfd, monkeypatch):
    monkeypatch.setenv("REDRIVE_NO_HISTORY", "1")
    file = toy.root / FILE
    for text, passed, shown in (
        ("def double(n:\n", False, "is not valid Python"),
        ("def double(n):\n    return 2 * n\n", True, "[ok] step 1"),
    ):
        file.write_text(text)
        assert run_pytest(toy.root, toy.root / ONE) is passed
        assert shown in capfd.readouterr().out
        assert file.read_text() == text
