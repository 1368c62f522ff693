"""The moves are declared once: page, drawing, glossary and the headers of the scripts agree with the declaration."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobqueue.domain.job import JobState
from jobqueue.domain.moves import MOVES
from jobqueue.entrypoints.cli.moves import moves_drawing, moves_table
from jobqueue.main import cli

DOCS = Path(__file__).parents[3] / "docs"
LUA = resources.files("jobqueue.adapters").joinpath("lua")
SCRIPTS = sorted(file.name.removesuffix(".lua") for file in LUA.iterdir() if file.name.endswith(".lua"))


def header(script):
    """Return the first sentence of a script's header: what it moves."""
    text = LUA.joinpath(f"{script}.lua").read_text("utf-8")
    return text.partition("\n-- KEYS")[0].replace("\n--  ", "")


def test_the_command_prints_every_move():
    printed = json.loads(CliRunner().invoke(cli, ["moves", "--json"]).output)
    assert [(row["move"], row["script"]) for row in printed] == [(move.name, f"{move.script}.lua") for move in MOVES]
    assert printed[0]["from"] == "new"
    assert CliRunner().invoke(cli, ["moves"]).output.count("\n") == len(MOVES) + 1


def test_the_page_has_the_table_of_the_code():
    text = (DOCS / "reference/lifecycle.md").read_text()
    found = re.search(r"<!-- moves: generated .*?-->\n(.*?)\n?<!-- moves: end -->", text, re.DOTALL)
    assert found is not None
    assert found[1].strip() == moves_table(), "copy what `jobqueue moves --markdown` prints between the markers"


def test_the_drawing_is_that_of_the_code():
    drawn = (DOCS / "pictures/lifecycle.dot").read_text()
    assert drawn.strip() == moves_drawing(), "write what `jobqueue moves --dot` prints to docs/pictures/lifecycle.dot"


def test_the_glossary_has_every_state_and_every_move():
    terms = re.findall(r"^\*\*(.+)\*\*$", (DOCS / "reference/glossary.md").read_text(), re.MULTILINE)
    known = {word for term in terms for word in term.split(", ")}
    assert {state.value for state in JobState} | {move.name for move in MOVES} <= known


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_says_in_its_header_what_it_moves(script):
    declared = [move for move in MOVES if move.script == script]
    said = header(script)
    assert ("→" in said) is bool(declared), "a script that moves nothing says so, and one that moves is declared"
    for move in declared:
        assert (move.source or "new") in said
        assert (move.target or "removed") in said
