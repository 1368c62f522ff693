"""Check that no lesson shows what its exercise asks for: compare a page's code with what each stub leaves to write.

Two programs count as the same if four statements in a row are equal after their names are removed. The learner writes
what the stub leaves open: the bodies that raise `NotImplementedError`, and the helpers that the solution adds.
"""

from __future__ import annotations

import ast
import copy
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.content.listings import listings
from journal.content.problems import Problem
from journal.course.exercises import find_exercises

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.content.library import Library
    from journal.course.exercises import Exercise

IN_A_ROW = 4
# Where learners are sent before they have written anything.
FOLDERS = ("lessons", "recall", "reference", "journal")
_PYTHON = ("python", "py")
_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement without its names; of a compound one, the line that opens it."""

    shape: str
    line: int


def shown_answers(library: Library) -> list[Problem]:
    """Return every place of a page that shows four statements in a row of what an exercise asks for."""
    answers = {exercise.slug: _windows(asked_for(exercise)) for exercise in find_exercises(library.root)}
    problems = []
    for folder in FOLDERS:
        for page in library.pages(folder):
            shown = [
                Statement(each.shape, listing.line)
                for listing in listings(page, library.root)
                if listing.language in _PYTHON
                for each in statements(_parsed(listing.code))
            ]
            windows = _windows(shown)
            for slug, answer in answers.items():
                same = [windows[shape].line for shape in windows if shape in answer]
                if same:
                    where = answer[next(shape for shape in windows if shape in answer)].line
                    problems.append(
                        Problem(
                            page.path, min(same), f"this code has {IN_A_ROW} statements in a row of what the exercise "
                            f"{slug} asks for (line {where} of its solution); work another example of the same idea",
                        )
                    )  # fmt: skip
    return problems


def asked_for(exercise: Exercise) -> list[Statement]:
    """Return the statements that the solution has and the stub leaves to the learner."""
    stub = exercise.stub()
    if stub is None or not exercise.has("solution") or exercise.graded_against:
        return []
    given = {name for name, node in _functions(ast.parse(stub)) if not _is_open(node)}
    return [
        statement
        for name, node in _functions(ast.parse(exercise.text("solution")))
        if name not in given
        for statement in statements(node.body)
    ]


def statements(body: list[ast.stmt]) -> Iterator[Statement]:
    """Yield the statements of a body in the order of the text, without docstrings, imports, names and annotations."""
    for node in body:
        if _is_docstring(node) or isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)):
            continue
        inner = [child for field in ("body", "handlers", "orelse", "finalbody") for child in getattr(node, field, [])]
        yield Statement(_shape(node), node.lineno)
        for child in inner:
            if isinstance(child, ast.ExceptHandler):
                yield Statement(_shape(child), child.lineno)
                yield from statements(child.body)
            elif isinstance(child, ast.stmt):
                yield from statements([child])


def _windows(found: list[Statement]) -> dict[str, Statement]:
    windows: dict[str, Statement] = {}
    for start in range(len(found) - IN_A_ROW + 1):
        shapes = " | ".join(each.shape for each in found[start : start + IN_A_ROW])
        windows.setdefault(shapes, found[start])
    return windows


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield each function and method of a module by its dotted name; a function inside a function is part of it."""
    for node in tree.body:
        if isinstance(node, _Function):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{each.name}", each) for each in node.body if isinstance(each, _Function))


def _is_open(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    raised = [each.exc for each in ast.walk(node) if isinstance(each, ast.Raise)]
    return any("NotImplementedError" in ast.dump(error) for error in raised if error is not None)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _parsed(code: str) -> list[ast.stmt]:
    """Parse a listing; of one that is no whole program (a method without its class, a loop's inside) what can be."""
    for text in (textwrap.dedent(code), f"async def listing():\n{textwrap.indent(textwrap.dedent(code), '    ')}"):
        try:
            return ast.parse(text).body
        except SyntaxError:
            continue
    return []


class _Nameless(ast.NodeTransformer):
    """Takes away what a renaming would change; methods keep their names, which say what the code does."""

    def visit_Name(self, _node: ast.Name) -> ast.AST:
        return ast.Name("_", ast.Load())

    def visit_arg(self, _node: ast.arg) -> ast.AST:
        return ast.arg("_")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name):
            # `self.channel` and `channel` are the same thing, in a class and outside of one.
            return ast.Name("_", ast.Load()) if node.value.id == "self" else ast.Attribute(ast.Name("_"), node.attr)
        return ast.Attribute(self.visit(node.value), node.attr)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("text") if isinstance(node.value, (str, bytes)) else node

    def visit_JoinedStr(self, _node: ast.JoinedStr) -> ast.AST:
        return ast.Constant("text")


# What stands in statements of their own, or says nothing of what a statement does.
_LEFT_OUT = {
    "annotation", "body", "decorator_list", "finalbody", "handlers", "name", "orelse", "returns", "simple",
    "type_comment", "type_params",
}  # fmt: skip


def _shape(node: ast.stmt | ast.ExceptHandler) -> str:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        node = ast.Assign([node.target], node.value)
    parts = [_dumped(value) for name, value in ast.iter_fields(node) if name not in _LEFT_OUT]
    return f"{type(node).__name__}({', '.join(parts)})"


def _dumped(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_dumped(each) for each in value)}]"
    if isinstance(value, ast.AST):
        return ast.dump(_Nameless().visit(copy.deepcopy(value)), annotate_fields=False)
    return repr(value)
