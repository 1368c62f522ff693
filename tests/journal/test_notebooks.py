"""Every notebook runs from top to bottom, ends in an asserted number, and writes nothing into anyone's history."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# What Jupyter's own packages warn about is theirs; a warning inside a notebook would show in its output.
pytestmark = pytest.mark.filterwarnings("ignore")


def code_of(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def test_there_is_the_self_quiz():
    assert ROOT / "notebooks" / "quiz.ipynb" in NOTEBOOKS


@pytest.mark.timeout(240)
def test_notebook_runs_from_top_to_bottom_and_records_nothing(notebook, tmp_path):
    history = tmp_path / "history.jsonl"
    own = {"REDRIVE_NO_HISTORY": "1", "REDRIVE_HISTORY": str(history), "REDRIVE_ROOT": str(ROOT)}
    client = NotebookClient(
        notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(ROOT / "notebooks")}}
    )
    with client.setup_kernel(env={**os.environ, **own}):
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
    errors = [out for cell in notebook.cells for out in cell.get("outputs", []) if out.get("name") == "stderr"]
    assert errors == []
    assert not history.exists()


def test_notebook_ends_in_a_number_that_a_cell_asserts(notebook):
    assert any(isinstance(node, ast.Assert) for source in code_of(notebook) for node in ast.walk(_parsed(source)))


def test_notebook_is_kept_without_outputs(notebook):
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_notebook_holds_no_logic_of_its_own(notebook):
    """Logic is what a definition or a branch is; a notebook calls, looks and asserts."""
    logic = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.While, ast.Try)
    found = [
        type(node).__name__
        for source in code_of(notebook)
        for node in ast.walk(_parsed(source))
        if isinstance(node, logic)
    ]
    assert found == []


def _parsed(source):
    return compile(source, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
