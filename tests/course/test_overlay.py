"""The overlay: it grades exactly the file it is given, outside the repository, and notices when it would not."""

import pytest

from grading.overlay import OverlayError, Sources, grade, make_overlay, stub_text
from journal.course.reset import ResetError, reset
from journal.review.learner_runs import record_run
from tests.course.conftest import SOLVED, STUB, TEST_1, TESTS


def test_text_is_graded_and_the_learners_file_is_neither_read_nor_touched(toy):
    toy.write("exercises/toy/toy.py", "mine = 'in the middle of something'\n")
    graded = grade(toy.root, "toy", SOLVED)
    assert graded.everything_passed
    assert graded.returncode == 0
    assert (toy.root / "exercises/toy/toy.py").read_text() == "mine = 'in the middle of something'\n"


def test_stub_fails_every_step_as_not_started(toy):
    graded = grade(toy.root, "toy", STUB)
    assert graded.steps_that("not_started") == [1, 2]
    assert not graded.passed


def test_overlay_inside_a_project_is_refused(toy):
    with pytest.raises(OverlayError, match="whose settings pytest would use"):
        make_overlay(toy.root, "toy", SOLVED, toy.root / "build" / "overlay")


def test_another_file_than_the_overlays_is_noticed(toy, tmp_path):
    """A result is believed only if the graded module came from the overlay.

    Did: let a test import a solved module from another folder, and graded an untouched stub.
    Saw: the grading is refused, naming the file that was loaded instead.
    Otherwise: the stub would have passed.
    """
    elsewhere = tmp_path / "elsewhere" / "exercises"
    (elsewhere / "toy").mkdir(parents=True)
    (elsewhere / "toy" / "toy.py").write_text(SOLVED)
    detour = f"import exercises\n\nexercises.__path__ = [{str(elsewhere)!r}, *exercises.__path__]\n"
    toy.write(TEST_1, detour + TESTS[TEST_1])
    with pytest.raises(OverlayError, match="instead of"):
        grade(toy.root, "toy", STUB)


def test_overlay_run_leaves_no_trace_in_the_history(toy, tmp_path, monkeypatch):
    monkeypatch.delenv("REDRIVE_NO_HISTORY", raising=False)
    monkeypatch.setenv("REDRIVE_HISTORY", str(tmp_path / "history.jsonl"))
    grade(toy.root, "toy", SOLVED)
    assert not (tmp_path / "history.jsonl").exists()


def test_further_files_can_be_laid_over(toy):
    sources = Sources({"src/elsewhere.py": "def double(n):\n    return 2 * n\n"})
    text = 'import sys\nsys.path.insert(0, "src")\nfrom elsewhere import double\nasync def take(redis): return b"a"\n'
    assert grade(toy.root, "toy", text, sources=sources).passed


def test_run_that_takes_too_long_is_ended_and_told(toy):
    with pytest.raises(OverlayError, match="ran longer than 1 s"):
        grade(toy.root, "toy", "import time\ntime.sleep(30)\n", limit_s=1)


def test_stub_comes_from_the_last_commit_though_the_learner_changed_it(toy):
    toy.commit()
    toy.body("return 2 * n")
    assert stub_text(toy.root, "toy") == STUB


def test_without_git_there_is_no_stub(toy):
    assert stub_text(toy.root, "toy") is None
    with pytest.raises(ResetError, match="git"):
        reset(toy.root, "toy")


def test_reset_brings_the_stub_back_and_keeps_every_version(toy):
    toy.commit()
    for number in (1, 2):
        toy.body(f"return {number}")
        mine = (toy.root / "exercises/toy/toy.py").read_bytes()
        done = reset(toy.root, "toy")
        assert done.file.read_text() == STUB
        assert done.kept.name == f"toy-{number}.py"
        assert done.kept.read_bytes() == mine
    assert reset(toy.root, "toy").kept is None


def test_reset_keeps_a_file_that_is_no_text(toy):
    toy.commit()
    (toy.root / "exercises/toy/toy.py").write_bytes(b"\xff\xfe\x00")
    assert reset(toy.root, "toy").kept.read_bytes() == b"\xff\xfe\x00"


def test_reset_of_an_unknown_exercise_names_the_known_ones(toy):
    with pytest.raises(ResetError, match="there are toy"):
        reset(toy.root, "tyo")


@pytest.fixture
def journal(toy, tmp_path, monkeypatch):
    toy.write("docs/quizzes/toy.yml", "topic: toy\n")
    monkeypatch.setenv("REDRIVE_HISTORY", str(tmp_path / "own.jsonl"))
    for name in ("REDRIVE_NO_HISTORY", "CI", "REDRIVE_ROOT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "own.jsonl"


def test_learners_own_run_is_recorded(toy, journal):
    toy.body("return 2 * n")
    toy.run(REDRIVE_NO_HISTORY="", REDRIVE_HISTORY=str(journal), CI="")
    (line,) = journal.read_text().splitlines()
    assert '"kind":"run","slug":"toy","steps":{"1":"passed","2":"not_started"}' in line


@pytest.mark.parametrize("name", ["REDRIVE_NO_HISTORY", "CI"])
def test_run_that_is_not_the_learners_is_not_recorded(toy, journal, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert not record_run("toy", {1: "passed"}, toy.root / "exercises/toy/toy.py")
    assert not journal.exists()


def test_copy_of_the_file_elsewhere_is_not_recorded(toy, journal):
    copy = toy.write("somewhere/toy.py", SOLVED)
    assert not record_run("toy", {1: "passed"}, copy)
    assert not journal.exists()


def test_history_that_cannot_be_written_does_not_spoil_the_run(toy, journal, capsys):
    journal.mkdir()
    assert not record_run("toy", {1: "passed"}, toy.root / "exercises/toy/toy.py")
    assert "was not recorded" in capsys.readouterr().err
