"""A page gets every part of the engine that a test of an exercise imports, and what that imports."""

import ast
from pathlib import Path

from journal.site.workshop import NOT_IN_THE_PAGE

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "src" / "grading"


def parts_imported_by(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "grading":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("grading."):
            yield node.module.split(".")[1]


def test_page_gets_every_part_of_the_engine_that_exercises_import():
    waiting = [ROOT / "exercises" / "conftest.py", *ROOT.glob("exercises/*/*.py"), ENGINE / "in_page.py"]
    seen = set()
    while waiting:
        file = waiting.pop()
        parts = {ENGINE / f"{part}.py" for part in parts_imported_by(file)}
        fresh = {part for part in parts if part.is_file()} - seen
        seen |= fresh
        waiting += fresh
    assert len(seen) > 8
    assert sorted(part.name for part in seen if part.name in NOT_IN_THE_PAGE) == []
