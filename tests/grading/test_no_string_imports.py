"""Who may import what also holds for names in strings, which no linter of imports sees."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_NAME = {
    "exercises": {"exercises", "grading"},
    "solutions": {"solutions"},
    "src/grading": {"grading"},
    "src/journal": {"journal", "grading"},
    "src/jobqueue": {"jobqueue"},
}
MODULE = re.compile(r"(exercises|grading|jobqueue|journal|solutions)(?:\.[a-z_]\w*)+")
LOADS = {"import_module", "__import__", "find_spec", "resolve_name", "run_module"}


def names_in(text):
    """Return the modules of ours that strings name in full, and those that a call for loading begins with."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (found := MODULE.fullmatch(node.value)):
            yield found[1]
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in LOADS:
            for constant in (one for argument in node.args for one in ast.walk(argument)):
                if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                    first = constant.value.partition(".")[0]
                    yield from [first] * (first in MAY_NAME or f"src/{first}" in MAY_NAME)


@pytest.mark.parametrize("folder", MAY_NAME)
def test_no_string_names_a_module_that_may_not_be_imported(folder):
    files = [file for file in (ROOT / folder).rglob("*.py") if "node_modules" not in file.parts]
    assert files
    named = {(file.relative_to(ROOT).as_posix(), name) for file in files for name in names_in(file.read_text("utf-8"))}
    assert [(file, name) for file, name in sorted(named) if name not in MAY_NAME[folder]] == []


@pytest.mark.parametrize(
    "line", ['import_module("exercises.toy.toy")', 'x = "journal.site"', 'importlib.import_module(f"solutions.{name}")']
)
def test_a_name_in_a_string_is_seen(line):
    assert len(set(names_in(line))) == 1
