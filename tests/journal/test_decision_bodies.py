"""The text of an accepted decision is not edited: a digest is kept, and a change is named."""

import shutil
from pathlib import Path

import pytest

from journal.cli import run
from journal.content.frozen_decisions import FILE, freeze, frozen_problems

ROOT = Path(__file__).parents[2]


@pytest.fixture
def decisions(tmp_path):
    """Return a copy of this journal's decisions, all of them frozen."""
    shutil.copytree(ROOT / "docs" / "adr", tmp_path / "docs" / "adr")
    freeze(tmp_path)
    return tmp_path


def change(root, name, old, new):
    file = next((root / "docs" / "adr").glob(f"{name}-*.md"))
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_no_accepted_decision_of_this_journal_has_been_edited():
    assert [str(problem) for problem in frozen_problems(ROOT)] == []


def test_body_of_an_accepted_decision_is_not_edited(decisions):
    """A decision that was accepted keeps its words.

    Did: changed one word in the text of an accepted decision, on a copy.
    Saw: no problem before; afterwards the file, and the advice to write a successor.
    Otherwise: history could be rewritten in silence.
    """
    assert frozen_problems(decisions) == []
    change(decisions, "0004", "Full jitter", "Equal jitter")
    (problem,) = frozen_problems(decisions)
    assert "0004-full-jitter.md:1: the text has changed" in str(problem)
    assert "--supersedes 4" in str(problem)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("superseded_by: null", "superseded_by: 18"),
        ("Proof: `tests/", "Proof: `tests/elsewhere/"),
        ("(0007-lease-token.md)", "(../adr/0007-lease-token.md)"),
        ("A worker has to take the next job,", "A worker has\nto take the next job,"),
    ],
)
def test_status_paths_and_line_breaks_may_change(decisions, old, new):
    change(decisions, "0001", old, new)
    assert frozen_problems(decisions) == []


def test_new_decision_is_frozen_once_it_is_accepted(decisions, monkeypatch, capsys):
    (decisions / "pyproject.toml").write_text("")
    monkeypatch.setenv("REDRIVE_ROOT", str(decisions))
    (decisions / "docs/adr/0099-words.md").write_text("---\nstatus: proposed\ndate: 2026-11-24\n---\n\n# Words\n")
    before = (decisions / FILE).read_text()
    assert frozen_problems(decisions) == []
    change(decisions, "0099", "proposed", "accepted")
    assert [problem.message for problem in frozen_problems(decisions)] == [
        "the decision is accepted and not frozen yet; run `journal adr freeze`"
    ]
    assert run(["adr", "freeze"]) == 0
    assert "0099: frozen" in capsys.readouterr().out
    assert frozen_problems(decisions) == []
    assert (decisions / FILE).read_text().startswith(before)


def test_lost_decision_is_named(decisions):
    next((decisions / "docs" / "adr").glob("0003-*.md")).unlink()
    assert [str(problem) for problem in frozen_problems(decisions)] == [
        f"{FILE}:1: decision 3 is frozen, and its file is gone; restore it"
    ]
