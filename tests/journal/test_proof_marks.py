"""The record of the proofs, and the marks that are read from it: written by a run, never typed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from journal.proofs.background import changed
from journal.proofs.collection import uncollected
from journal.proofs.freshness import against, digest, subject_files
from journal.proofs.mark import mark_of, marks
from journal.proofs.named_proofs import named_proofs
from journal.proofs.quick import runs_an_exercise
from journal.proofs.record import read_record, record_path
from journal.site.build import fingerprint
from journal.site.proof_marks import LiveMarks, stamped
from tests.journal.conftest import PYTEST

TESTS = "tests/course/lessons/test_retries.py"
HERD, POP = f"{TESTS}::test_herd", f"{TESTS}::test_pop"
CONFTEST = """\
from journal.proofs.recorder import Recorder


def pytest_configure(config):
    config.addinivalue_line("markers", "against(what): what it runs against")
    config.pluginmanager.register(Recorder(config.rootpath))
"""
SUBJECT = "def served():\n    return 1\n"
SOURCE = '''\
import subprocess

import fakeredis
import pytest

from subject import served


def started():
    return subprocess.run(["true"])


def test_herd():
    """Did: a. Saw: b. Otherwise: c."""
    assert served() == 1


@pytest.mark.parametrize("store", ["memory", "valkey"])
def test_pop(store):
    """Did: a. Saw: b. Otherwise: c."""
    assert started()


def test_other():
    assert fakeredis
'''


@pytest.fixture
def running(folder, monkeypatch):
    """The small journal with tests that run, as a git repository; returns what runs them."""
    # A file written twice within a second, at the same size, would pass for what a run or a collection compiled.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    folder.write("tests/conftest.py", CONFTEST)
    folder.write("subject.py", SUBJECT)
    folder.write(TESTS, SOURCE)
    folder.write("pyproject.toml", PYTEST)
    folder.write(".gitignore", ".redrive/\n__pycache__/\n.cache/\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all")

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(arguments or (TESTS,))],
            cwd=folder.path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def git(folder, *words):
    who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"]
    return subprocess.run(
        ["git", *who, *words], cwd=folder.path, check=True, capture_output=True, text=True
    ).stdout.strip()


def states(folder):
    return {proof: mark.state for proof, mark in marks(folder.path, [HERD, POP]).items()}


def test_proof_that_was_never_run_is_marked_so(folder):
    assert states(folder) == {HERD: "not run here", POP: "not run here"}
    assert mark_of(folder.path, f"{TESTS}::test_gone").state == "missing"


def test_run_is_recorded_with_date_commit_and_what_it_ran_against(folder, running):
    assert running().returncode == 0
    record = read_record(folder.path)
    assert set(record) == {HERD, POP}, "only tests that something names are recorded"
    run = record[POP]
    assert run.outcome == "passed"
    assert run.commit == git(folder, "rev-parse", "--short=10", "HEAD")
    assert not run.dirty
    assert run.against == ("memory", "Valkey")
    assert record[HERD].against == ("Python alone",)
    assert mark_of(folder.path, POP).words == f"passed on {run.at[:10]} at {run.commit}, against: memory, Valkey"
    folder.change("docs/lessons/day-137-retries.md", "Spread them.", "Spread them well.")
    running(HERD)
    assert "with uncommitted changes" in mark_of(folder.path, HERD).words


@pytest.mark.parametrize(
    ("file", "old", "new", "stale"),
    [
        ("subject.py", "return 1", "return 1  # one", {HERD, POP}),
        (TESTS, "served() == 1", "served() in {1}", {HERD}),
        (TESTS, '["true"]', '["true", "x"]', {HERD, POP}),
        (TESTS, "assert fakeredis", "assert fakeredis is not None", set()),
        ("tests/conftest.py", "import Recorder", "import Recorder  # the plugin", {HERD, POP}),
        ("docs/index.md", "", "anything", set()),
    ],
)
def test_mark_is_stale_when_test_or_subject_changed_since(folder, running, file, old, new, stale):
    folder.write("docs/index.md", "")
    running()
    folder.write(file, folder.read(file).replace(old, new, 1))
    found = states(folder)
    assert {proof for proof, state in found.items() if state == "stale"} == stale
    assert set(found.values()) <= {"stale", "passed"}


def test_what_has_no_record_runs_in_the_background_and_what_a_week_shows_comes_first(folder, running):
    assert changed(folder.path) == [HERD, POP]
    assert changed(folder.path, first=[POP]) == [POP, HERD]
    running(POP)
    assert changed(folder.path, first=[POP]) == [HERD]


def test_two_workers_record_what_one_process_records(folder, running):
    """The process that starts the workers writes the record, and it loses nothing that they saw.

    Did: ran the same tests in one process, then in two xdist workers, each of which ran one parameter of a proof.
    Saw: both runs write the same record, but for the time; a worker's failure and a part of a test count as well.
    Otherwise: each worker would hold half of the proof for the whole, or the last to write would win.
    """
    workers = ("-p", "xdist", "-n", "2", "--maxschedchunk", "1", "-vv", TESTS)
    running()
    alone = read_record(folder.path)
    record_path(folder.path).unlink()
    done = running(*workers)
    assert done.returncode == 0, done.stdout + done.stderr
    parameters = [line.split()[0] for line in done.stdout.splitlines() if "PASSED" in line and POP in line]
    assert sorted(parameters) == ["[gw0]", "[gw1]"], done.stdout
    together = read_record(folder.path)
    assert {name: replace(run, at="") for name, run in together.items()} == {
        name: replace(run, at="") for name, run in alone.items()
    }
    folder.change(TESTS, "assert started()", 'assert store == "memory"')
    assert running(*workers).returncode == 1
    assert states(folder) == {HERD: "passed", POP: "failed"}
    record_path(folder.path).unlink()
    running(*workers, "-k", "memory")
    assert states(folder) == {HERD: "not run here", POP: "not run here"}


def test_failure_is_recorded_and_stays_until_it_is_run_again(folder, running):
    folder.write("subject.py", "def served():\n    return 2\n")
    assert running().returncode == 1
    assert states(folder) == {HERD: "failed", POP: "passed"}
    folder.write("subject.py", SUBJECT)
    assert states(folder)[HERD] == "failed"
    running()
    assert states(folder) == {HERD: "passed", POP: "passed"}


def test_part_of_a_parametrized_test_is_not_recorded_as_the_whole(folder, running):
    running(f"{POP}[memory]")
    running(TESTS, "-k", "valkey")
    assert states(folder) == {HERD: "not run here", POP: "not run here"}
    folder.change(TESTS, "assert started()", 'assert store == "memory"')
    running(TESTS, "-k", "valkey")
    assert states(folder)[POP] == "failed", "one failure is enough"


def test_skipped_test_has_shown_nothing(folder, running):
    folder.change(TESTS, "    assert served() == 1", '    pytest.skip("no server")')
    running()
    assert states(folder)[HERD] == "skipped"


def test_record_that_cannot_be_read_is_as_none(folder, running):
    running()
    for text in ("{", "[]", '{"v": 1, "runs": {"x": {"outcome": "passed"}}}'):
        record_path(folder.path).write_text(text)
        assert states(folder) == {HERD: "not run here", POP: "not run here"}
    running()
    assert states(folder)[HERD] == "passed"


def test_run_changes_the_marks_of_a_page_and_not_the_site(folder, running):
    folder.write("exercises/backoff/backoff.py", "")
    before = fingerprint(folder.path)
    page = (
        f'<a class="rd-proof" href="x" data-proof="{HERD}" data-state="not run here"><span>Proof, not run here: herd'
        f'</span></a><dd data-proof-words="{HERD}">not run here</dd><a data-proof="tests/x.py::test_x" data-state="y">'
    )
    live = LiveMarks(folder.path)
    assert stamped(page, live.known()).count('data-state="not run here"><span>Proof, not run here: herd<') == 1
    running()
    assert fingerprint(folder.path) == before, "a run of the tests is no reason to build"
    shown = stamped(page, live.known())
    assert 'data-state="passed"><span>Proof, passed: herd</span>' in shown
    assert f">{mark_of(folder.path, HERD).words}</dd>" in shown
    assert 'data-proof="tests/x.py::test_x" data-state="y"' in shown, "an unknown proof keeps what it says"


def test_a_run_that_is_watched_writes_each_proof_as_it_passes(folder, running, monkeypatch):
    monkeypatch.setenv("REDRIVE_PROOFS_LIVE", "1")
    folder.write(
        TESTS,
        SOURCE.replace(
            "def test_other():",
            "def test_other():\n    from journal.proofs.record import read_record\n"
            "    from pathlib import Path\n    assert any('herd' in one for one in read_record(Path.cwd()))\n",
        ),
    )
    assert running().returncode == 0
    assert states(folder) == {HERD: "passed", POP: "passed"}


def test_collecting_alone_records_nothing(folder, running):
    running(TESTS, "--collect-only")
    assert not record_path(folder.path).exists()


def test_what_a_test_runs_against_is_read_from_what_it_uses(folder, running):
    assert against(folder.path, HERD) == ("Python alone",)
    assert against(folder.path, POP) == ("process",), "the helper of the file counts"
    assert against(folder.path, f"{TESTS}::test_other") == ("fake",)
    folder.change(TESTS, "def test_herd():", '@pytest.mark.against("browser")\ndef test_herd():')
    running()
    assert read_record(folder.path)[HERD].against == ("browser",)


def test_recorder_itself_is_no_part_of_any_subject(folder):
    folder.write("tests/conftest.py", CONFTEST)
    folder.write("src/journal/proofs/recorder.py", "1")
    assert subject_files(folder.path, HERD) == ["tests/conftest.py"]
    folder.change("tests/conftest.py", "from journal.proofs.recorder", "from journal.review.history.record")
    folder.write("src/journal/review/history/record.py", "1")
    assert subject_files(folder.path, HERD) == ["src/journal/review/history/record.py", "tests/conftest.py"]


def test_file_that_the_mutation_changes_is_part_of_the_subject(folder):
    folder.write("page.js", "1")
    before = digest(folder.path, HERD, ["page.js"])
    folder.write("page.js", "2")
    assert digest(folder.path, HERD, ["page.js"]) != before


def test_proof_that_pytest_does_not_collect_is_reported_at_its_claim(folder, running):
    assert uncollected(folder.path) == []
    folder.change(TESTS, "def test_herd", "@pytest.mark.nothing\n@pytest.mark.usefixtures\ndef test_herd")
    folder.write(TESTS, folder.read(TESTS) + "\n\ndel test_pop\n")
    [problem] = [problem for problem in uncollected(folder.path) if "test_pop" in problem.message]
    assert (problem.path, problem.line) == ("docs/journal/month-05/week-04.md", 19)
    assert f"the proof {POP} is not collected by pytest" in problem.message
    folder.write(TESTS, "import nothing_of_that_name\n" + folder.read(TESTS))
    assert any("No module named 'nothing_of_that_name'" in problem.message for problem in uncollected(folder.path))


def test_every_claim_and_card_is_named_with_its_place(folder):
    named = named_proofs(folder.path)
    assert list(named) == [HERD, POP]
    assert [(one.path, one.card) for one in named[HERD]] == [
        ("docs/adr/0004-full-jitter.md", ""),
        ("docs/lessons/day-137-retries.md", ""),
        ("docs/quizzes/backoff.yml", "backoff-01"),
    ]


def test_command_lists_every_proof_and_is_strict_when_asked(folder, running, monkeypatch, capsys):
    from journal.cli import run

    monkeypatch.chdir(folder.path)
    running()
    assert run(["proofs", "--strict"]) == 0
    out = capsys.readouterr().out
    assert f"[ok] {HERD}" in out
    assert "docs/adr/0004-full-jitter.md:12  The herd is flat." in out
    assert out.endswith("2 proofs: 2 passed\n")
    folder.write("subject.py", "def served():\n    return 2\n")
    running()
    assert run(["proofs"]) == 0
    capsys.readouterr()
    assert run(["proofs", "--strict", "--json"]) == 1
    found = {entry["proof"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert found[HERD]["state"] == "failed"
    assert found[HERD]["claims"][2]["card"] == "backoff-01"
    assert not found[HERD]["mutation"]


def test_quick_proofs_run_at_this_projects_own_settings_and_tell_how_far_they_are():
    done = subprocess.run(
        [sys.executable, "-m", "journal.proofs.quick", "tests/course/lessons/test_error_chains.py"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told, done.stderr[-1000:]
    assert told[-1]["done"] == told[-1]["of"] >= 1
    assert told[-1]["failed"] == []


@pytest.mark.parametrize(
    ("command", "is_one"),
    [
        (".venv/bin/python .venv/bin/pytest exercises/backoff", True),
        ("pytest exercises", True),
        ("python -m pytest exercises/backoff/test_2_full_jitter.py", True),
        ("pytest tests/course", False),
        ("python -m journal.proofs.quick tests/course/x.py", False),
    ],
)
def test_an_exercise_in_a_terminal_is_told_from_other_runs(command, is_one):
    assert runs_an_exercise(["COMMAND", command]) is is_one
