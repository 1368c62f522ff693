"""Lay a fragment over the program that it changes.

A wrong solution differs from the reference solution in a few lines. Its file is a fragment: a docstring, and only the
definitions that are wrong, in the order of the program.

    import redis.exceptions            joins the imports
    LIMIT = 10                         replaces the constant, or adds it
    def ceiling_s(…): …                replaces the function; the reference's docstring stays
    class RetryBudget:                 replaces or adds the members that it names; the others stay
        def spend(self): …
    del _helper                        takes a definition away

A new definition goes before the next definition of the fragment that the reference has. If there is none, it follows
the one before. A class with other bases or decorators than the reference's replaces the whole class.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from grading.definitions import (
    Definition,
    Import,
    bare,
    docstring_of,
    end_of,
    header_of,
    imported_by,
    names_of,
    start_of,
    top_of,
)


class SpliceError(ValueError):
    """A fragment cannot be laid over its reference; `fact` says why, and what to do in which `line` of the fragment."""

    def __init__(self, path: str, line: int, fact: str) -> None:
        super().__init__(f"{path}:{line}: {fact}")
        self.line, self.fact = line, fact


def splice_file(fragment: Path, reference: Path) -> str:
    """Return the whole program that the file of a fragment stands for; see `splice`."""
    return splice(reference.read_text(encoding="utf-8"), fragment.read_text(encoding="utf-8"), str(fragment))


def splice(reference: str, fragment: str, path: str = "fragment") -> str:
    """Return the text of `reference` with the definitions of `fragment` in it.

    Args:
        reference: the text of the whole module.
        fragment: the text of a module that holds only what differs.
        path: the fragment's name in error messages.

    Raises:
        SpliceError: the fragment changes nothing, repeats a definition of the reference, takes away what is not there,
            or holds a statement that defines nothing.
        SyntaxError: one of the two is not Python.
    """
    work = _Splice(reference.split("\n"), fragment.split("\n"), path)
    work.lay(_statements(reference), ast.parse(fragment, path).body, gap=2)
    if not work.edits:
        raise SpliceError(path, 1, "changes nothing; write the definitions that differ from the reference")
    lines: list[str] = []
    copied = 0
    for first, end, new in sorted(work.edits, key=lambda edit: edit[:2]):
        lines += [*work.reference[copied:first], *new]
        copied = end
    return "\n".join([*lines, *work.reference[copied:]])


@lru_cache(maxsize=16)
def _statements(reference: str) -> list[ast.stmt]:
    """Return the statements of a reference, parsed once for the eighty fragments that are laid over it."""
    return ast.parse(reference).body


@dataclass
class _Splice:
    """The lines of both texts. An edit: the first line that goes, the first that stays, and what takes their place."""

    reference: list[str]
    fragment: list[str]
    path: str
    edits: list[tuple[int, int, list[str]]] = field(default_factory=list)

    def lay(self, body: list[ast.stmt], given: list[ast.stmt], gap: int) -> None:
        """Lay the statements `given` over those of the reference's `body`, with `gap` blank lines around a new one."""
        known = {name: node for node in body for name in names_of(node)}
        replaced = [next((known[name] for name in names_of(node) if name in known), None) for node in given]
        seen: set[str] = set()
        for number, (node, old) in enumerate(zip(given, replaced, strict=True)):
            if twice := seen.intersection(names_of(node)):
                self.refuse(node, f"{min(twice)} is defined twice; keep one of the definitions")
            seen.update(names_of(node))
            if isinstance(node, ast.Delete):
                self.delete(node, known)
            elif isinstance(node, Import):
                self.join_imports(node, body)
            elif old is not None:
                self.replace(old, node)
            elif names_of(node):
                following = next(filter(None, replaced[number:]), None)
                preceding = next(filter(None, reversed(replaced[:number])), body[-1])
                self.add(node, following, preceding, [""] * gap)
            elif node is not docstring_of(given):
                self.refuse(node, "this defines nothing; a fragment holds definitions, constants, imports and del")

    def refuse(self, node: ast.stmt, fact: str) -> NoReturn:
        raise SpliceError(self.path, node.lineno, fact)

    def delete(self, node: ast.Delete, known: dict[str, ast.stmt]) -> None:
        targets = [name for target in node.targets for name in getattr(target, "elts", [target])]
        for name in map(ast.unparse, targets):
            if name not in known:
                self.refuse(node, f"the reference defines no {name} here; correct the name, or remove the del")
            end = end_of(known[name])
            while end < len(self.reference) and not self.reference[end].strip():
                end += 1
            self.edits.append((top_of(known[name], self.reference), end, []))

    def join_imports(self, node: ast.Import | ast.ImportFrom, body: list[ast.stmt]) -> None:
        imports = [other for other in body if isinstance(other, Import)]
        if set(imported_by(node)) <= {name for other in imports for name in imported_by(other)}:
            self.refuse(node, f"the reference has `{ast.unparse(node)}` already; remove the line")
        place = end_of(imports[-1]) if imports else 0
        self.edits.append((place, place, self.fragment[node.lineno - 1 : end_of(node)]))

    def add(self, node: ast.stmt, following: ast.stmt | None, preceding: ast.stmt, blank: list[str]) -> None:
        lines = self.fragment[top_of(node, self.fragment) : end_of(node)]
        place = top_of(following, self.reference) if following else end_of(preceding)
        self.edits.append((place, place, [*lines, *blank] if following else [*blank, *lines]))

    def replace(self, old: ast.stmt, new: ast.stmt) -> None:
        if isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef) and header_of(old) == header_of(new):
            before = len(self.edits)
            self.lay(old.body, new.body, gap=1)
            if len(self.edits) == before:
                self.refuse(new, f"class {new.name} changes nothing; write the members that differ, or remove it")
            return
        if bare(old) == bare(new):
            self.refuse(new, f"{names_of(new)[0]} equals the reference's; remove it")
        first = start_of(old) if top_of(new, self.fragment) == start_of(new) else top_of(old, self.reference)
        self.edits.append((first, end_of(old), self.with_docstring(old, new)))

    def with_docstring(self, old: ast.stmt, new: ast.stmt) -> list[str]:
        """Return the lines of the fragment's definition with the docstring of the reference's."""
        top = top_of(new, self.fragment)
        lines = self.fragment[top : end_of(new)]
        if not isinstance(old, Definition) or not isinstance(new, Definition) or docstring_of(new.body):
            return lines
        if (docstring := docstring_of(old.body)) is None:
            return lines
        text = self.reference[docstring.lineno - 1 : end_of(docstring)]
        at = start_of(new.body[0]) - top
        before, column = lines[at].encode(), new.body[0].col_offset  # columns count bytes
        if not before[:column].strip():
            return [*lines[:at], *text, *lines[at:]]
        body = " " * docstring.col_offset + before[column:].decode()  # was on the line of the colon
        return [*lines[:at], before[:column].decode().rstrip(), *text, body, *lines[at + 1 :]]
