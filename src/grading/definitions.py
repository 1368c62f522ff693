"""The definitions in a module's text: what they are called, which lines they take, and whether two are the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

Definition = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Import = (ast.Import, ast.ImportFrom)
_COMMENT = re.compile(r"\s*#(?! --8<--)")  # the marks of snippets belong to a page, not to a definition


def names_of(node: ast.stmt) -> list[str]:
    """Return the names that a definition or an assignment gives; none for another statement."""
    if isinstance(node, Definition):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [ast.unparse(target) for target in targets if isinstance(target, (ast.Name, ast.Tuple))]


def imported_by(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Return each imported name, written so that two imports of the same thing are equal."""
    source = f"from {'.' * node.level}{node.module or ''} " if isinstance(node, ast.ImportFrom) else ""
    return (f"{source}import {name.name} as {name.asname}" for name in node.names)


def docstring_of(body: list[ast.stmt]) -> ast.Expr | None:
    """Return the docstring that a body begins with."""
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first
    return None


def bare(node: ast.stmt) -> str:
    """Return the syntax tree without docstrings, as text to compare."""
    documented = [inner for inner in ast.walk(node) if isinstance(inner, Definition) and docstring_of(inner.body)]
    bodies = [inner.body for inner in documented]
    for inner in documented:
        inner.body = inner.body[1:]
    try:
        return ast.dump(node)
    finally:  # put back: to copy the whole tree first takes ten times as long
        for inner, body in zip(documented, bodies, strict=True):
            inner.body = body


def header_of(node: ast.ClassDef) -> list[str]:
    """Return the bases, keywords and decorators of a class."""
    return [ast.unparse(part) for part in (*node.bases, *node.keywords, *node.decorator_list)]


def start_of(node: ast.stmt) -> int:
    """Return the index of a statement's first line; decorators belong to it."""
    lines: list[int] = [node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))]
    return min(lines) - 1


def top_of(node: ast.stmt, lines: list[str]) -> int:
    """Return the index of a statement's first line; decorators and the comments directly above belong to it."""
    top = start_of(node)
    while top and _COMMENT.match(lines[top - 1]):
        top -= 1
    return top


def end_of(node: ast.stmt) -> int:
    """Return the index of the line after a statement."""
    return node.end_lineno or node.lineno
