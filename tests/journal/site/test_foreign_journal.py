"""A journal in another folder than the engine, made by `journal new`, is checked, built and graded."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.journal.site.conftest import ROOT, foreign_settings

PYPROJECT = """\
[tool.journal]
name = "field-notes"
title = "Field notes"

[tool.pytest.ini_options]
pythonpath = ["."]
addopts = ["--import-mode=importlib"]
"""
HOME = "---\ntitle: Home\ndescription: Notes.\n---\n\n# Home\n\n```exercises\n```\n"


class Journal:
    def __init__(self, path):
        self.path = path
        # Nothing of the checkout that these tests run in may be found by its folder.
        left_out = {"REDRIVE_ROOT", "PYTHONPATH"}
        self.environment = {name: value for name, value in os.environ.items() if name not in left_out}

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run(self, *command):
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, *command):
        done = self.run(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def notes(tmp_path):
    journal = Journal(tmp_path / "notes")
    journal.write("pyproject.toml", PYPROJECT)
    journal.write("docs/index.md", HOME)
    (journal.path / "docs" / "quizzes").mkdir()
    foreign_settings(journal)
    return journal


@pytest.mark.long
def test_a_journal_elsewhere_is_checked_built_and_graded(notes):
    notes.must("journal", "new", "exercise", "tracing")
    notes.must("journal", "new", "lesson", "1", "Spans", "--exercise", "tracing", "--deck", "tracing")
    notes.must("journal", "check")
    notes.must("journal", "build")
    site = notes.path / "build" / "site"
    assert "What you learn from" in (site / "notebooks" / "tracing" / "index.html").read_text(encoding="utf-8")
    assert '"field-notes"' in (site / "assets" / "web" / "review.js").read_text(encoding="utf-8")
    assert (site / "assets" / "css" / "redrive.css").is_file()
    page = json.loads((site / "assets" / "workshop" / "tracing.json").read_text(encoding="utf-8"))
    assert page["stub"] == (notes.path / "exercises" / "tracing" / "tracing.py").read_text(encoding="utf-8")
    assert page["compiled"], "Node has not graded the stub with the engine from here"
    assert "step 1" in notes.run("pytest", "exercises/tracing").stdout
    graded = notes.run("journal", "course", "tracing")
    assert "holds 1 wrong solutions; have at least 8" in graded.stderr, "the one thing that a skeleton leaves to do"
    assert "1 fault in the content" in graded.stderr


def test_what_a_new_exercise_brings_to_load_the_engine_is_what_this_journal_has():
    skeleton = ROOT / "src" / "journal" / "skeletons" / "exercise" / "exercises" / "conftest.py"
    assert skeleton.read_text(encoding="utf-8") == (ROOT / "exercises" / "conftest.py").read_text(encoding="utf-8")
