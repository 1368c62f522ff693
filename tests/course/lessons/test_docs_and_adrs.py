"""What the lesson of Day 139 claims about documents, shown on this project's own."""

import ast
import re
import shutil
from pathlib import Path

import pytest

from journal.cli import COMMANDS
from journal.content.library import library

ROOT = Path(__file__).parents[3]


# --8<-- [start:readme-commands]
def test_every_command_the_readme_names_exists():
    """A README goes stale silently if nothing runs its commands.

    Did: collected every make target and journal subcommand that README.md names, and looked each up.
    Saw: all of them are in the Makefile and in the command line.
    Otherwise: a renamed command would be listed here as missing.
    """
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    subcommands = set(COMMANDS)

    missing = [f"make {name}" for name in re.findall(r"`make ([a-z-]+)", readme) if name not in targets]
    missing += [
        f"journal {name}"
        for name in re.findall(r"`(?:\.venv/bin/)?journal ([a-z]+)", readme)
        if name not in subcommands
    ]

    assert len(re.findall(r"`make ([a-z-]+)", readme)) >= 5, (
        "the README names too few commands for this to mean anything"
    )
    assert missing == []


# --8<-- [end:readme-commands]


def test_every_package_of_the_service_says_what_it_knows():
    """The docstring of a package decides what belongs in it.

    Did: parsed each package and module of src/jobqueue.
    Saw: each has a docstring of its own.
    Otherwise: the ones without would be listed here.
    """
    modules = [path for path in (ROOT / "src" / "jobqueue").rglob("*.py") if "proto" not in path.parts]
    silent = [str(path.relative_to(ROOT)) for path in modules if not ast.get_docstring(ast.parse(path.read_text()))]

    assert len(modules) > 20
    assert silent == []


@pytest.mark.parametrize("cut", ["supersedes: [2]", "superseded_by: 7"])
def test_an_adr_superseded_one_way_only_is_refused(cut, tmp_path):
    """A link in one direction leaves a reader with the dead decision.

    Did: removed one end of the link between ADR 0002 and ADR 0007, on a copy.
    Saw: the check names the file and the missing end; with both ends it says nothing.
    Otherwise: the one-way link would pass.
    """
    shutil.copytree(ROOT / "docs" / "adr", tmp_path / "docs" / "adr")
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    links = [problem for problem in library(tmp_path).problems if "supersede" in str(problem)]
    assert links == []

    for path in (tmp_path / "docs" / "adr").glob("*.md"):
        text = path.read_text()
        key = cut.split(":")[0]
        path.write_text(text.replace(cut, f"{key}: []" if key == "supersedes" else f"{key}: null"))

    links = [problem for problem in library(tmp_path).problems if "supersede" in str(problem)]
    assert any("000" in str(problem) for problem in links)
