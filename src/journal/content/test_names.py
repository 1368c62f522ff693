"""Which tests a file defines, read from its source without importing it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def missing_test(root: Path, proof: str) -> str | None:
    """Return what is wrong with `path::test` or `path::Class::test`, or None when the file defines that test."""
    path, _, name = proof.partition("::")
    if not name or not path.endswith(".py"):
        return f"{proof!r} is not of the form tests/…/test_x.py::test_name"
    file = root / path
    if not file.is_file():
        return f"the test file {path} does not exist"
    plain = name.partition("[")[0]
    try:
        tests = tests_in(file)
    except SyntaxError as error:
        return f"{path} cannot be read: line {error.lineno}: {error.msg}"
    if plain not in tests:
        return f"{path} defines no test {plain!r}"
    return None


def tests_in(file: Path) -> Mapping[str, str]:
    """Return the docstring of every test that `file` defines, by `test_name` or `TestClass::test_name`."""
    stat = file.stat()
    return _read(str(file), stat.st_mtime_ns, stat.st_size)


@cache
def _read(name: str, _mtime_ns: int, _size: int) -> Mapping[str, str]:
    found: dict[str, str] = {}
    tree = ast.parse(Path(name).read_text(encoding="utf-8"), name)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            found[node.name] = ast.get_docstring(node) or ""
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            for member in node.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and member.name.startswith("test"):
                    found[f"{node.name}::{member.name}"] = ast.get_docstring(member) or ""
    return found
