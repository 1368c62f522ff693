"""Lay a learner's code over another version of the stub: the code stays, the contract is the stub's."""

from __future__ import annotations

import ast

from grading.definitions import Definition, Import, bare, docstring_of, end_of, imported_by, names_of, top_of
from grading.splice import SpliceError, splice


def lay_over(stub: str, code: str, name: str = "the file") -> str:
    """Return the stub with the learner's code in it: bodies, helpers, constants and imports.

    Docstrings come from the stub. Definitions that the learner left as they were stay as the stub has them.

    Args:
        stub: the stub's text.
        code: the learner's text.
        name: what errors call the learner's text.

    Raises:
        SpliceError: the code holds a statement that defines nothing, or a definition twice; the message says which.
        SyntaxError: the code is not Python.
    """
    lines = code.replace("\r\n", "\n").split("\n")
    gone: set[int] = set()
    _drop(ast.parse("\n".join(lines), name).body, ast.parse(stub).body, lines, gone)
    kept = [number for number in range(len(lines)) if number not in gone]
    fragment = "\n".join(lines[number] for number in kept)
    try:
        return splice(stub, fragment, name) if ast.parse(fragment).body else stub
    except SpliceError as error:
        raise SpliceError(name, kept[error.line - 1] + 1, error.fact) from None


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is only a text: a docstring of a module, a class or an attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imports(body: list[ast.stmt]) -> list[ast.Import | ast.ImportFrom]:
    """List the imports of a body, those for annotations alone included."""
    inner = [other for node in body if isinstance(node, ast.If) for other in node.body]
    return [node for node in (*body, *inner) if isinstance(node, Import)]


def _drop(mine: list[ast.stmt], theirs: list[ast.stmt], lines: list[str], gone: set[int]) -> bool:
    """Mark the lines of `mine` that `theirs` has as well; return whether a statement is left."""
    known = {name: node for node in theirs for name in names_of(node)}
    imported = {name for node in _imports(theirs) for name in imported_by(node)}
    others = {ast.dump(node) for node in theirs if not names_of(node)}
    left = False
    for node in mine:
        old = next((known[name] for name in names_of(node) if name in known), None)
        same = _is_text(node) or (bare(old) == bare(node) if old else ast.dump(node) in others)
        if isinstance(node, ast.If) and not same and len(_imports([node])) == len(node.body) and not node.orelse:
            # What is imported for annotations alone may as well be imported always.
            gone.update(range(node.lineno - 1, node.body[0].lineno - 1))
            left = _drop(node.body, theirs, lines, gone) or left
            for number in range(node.body[0].lineno - 1, end_of(node)):
                lines[number] = lines[number].removeprefix(" " * node.body[0].col_offset)
            continue
        if isinstance(node, Import):
            same = set(imported_by(node)) <= imported
        elif isinstance(node, ast.ClassDef) and isinstance(old, ast.ClassDef) and not same:
            same = not _drop(node.body, old.body, lines, gone)
        if same:
            gone.update(range(top_of(node, lines), end_of(node)))
        elif isinstance(old, Definition) and isinstance(node, Definition):
            own = docstring_of(node.body)
            if own is not None and len(node.body) > 1:
                gone.update(range(own.lineno - 1, end_of(own)))
        left = left or not same
    return left
