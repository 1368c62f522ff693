"""Mutants of a solution: each has one small change that some test should notice.

What becomes of them is told by `journal.course.audit`. A mutant keeps its name when lines move: it is called by the
function it is in, the change, and which of several such changes in that function it is.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    _Change = tuple[int, str, Callable[[ast.AST], None]]

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.LShift: ast.RShift,
    ast.Pow: ast.Mult,
}
_DROPPED = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Break, ast.Continue, ast.Return)


MODULE = "<module>"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A solution with one change.

    Attributes:
        function: where it is, as `retry` or `RetryBudget.spend`; `<module>` outside all functions.
        what: the change.
        occurrence: which of the changes called so in that function, from 1, in the order of the lines.
        line: of the solution's text.
        text: the whole changed solution.
    """

    function: str
    what: str
    occurrence: int
    line: int
    text: str

    @property
    def name(self) -> tuple[str, str, int]:
        """What it is called by, whatever happens to the lines above it."""
        return self.function, self.what, self.occurrence


def mutants_of(text: str) -> list[Mutant]:
    """List every mutant of a solution's text, in the order of its lines."""
    tree = ast.parse(text)
    functions = dict(_functions(tree, MODULE, ""))
    found = []
    for number, node in enumerate(ast.walk(tree)):
        for line, what, change in [*_expression_changes(node), *_dropped_statements(node)]:
            mutated = ast.parse(text)  # faster than a copy
            change(list(ast.walk(mutated))[number])
            ast.fix_missing_locations(mutated)
            found.append(Mutant(functions[id(node)], what, 1, line, ast.unparse(mutated)))
    counts: Counter[tuple[str, str]] = Counter()
    numbered = []
    for mutant in sorted(found, key=lambda one: (one.line, one.what)):
        counts[mutant.function, mutant.what] += 1
        numbered.append(replace(mutant, occurrence=counts[mutant.function, mutant.what]))
    return numbered


def _functions(node: ast.AST, name: str, prefix: str) -> Iterator[tuple[int, str]]:
    """Yield (id of node, name of the function that it is in) for a tree."""
    yield id(node), name
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = f"{prefix}{child.name}"
            yield from _functions(child, inner, f"{inner}.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}", f"{prefix}{child.name}.")
        else:
            yield from _functions(child, name, prefix)


def _expression_changes(node: ast.AST) -> Iterator[_Change]:
    line = getattr(node, "lineno", 0)
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            other = _COMPARE.get(type(operator))
            if other is not None:
                yield line, f"{ast.unparse(node)}, with {other.__name__}", partial(_set_operator, index, other)
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _BINARY:
        other_binary = _BINARY[type(node.op)]
        yield line, f"{ast.unparse(node)}, with {other_binary.__name__}", partial(_set, "op", other_binary())
    elif isinstance(node, (ast.With, ast.AsyncWith)) and all(item.optional_vars is None for item in node.items):
        first = ast.unparse(node).splitlines()[0]
        yield line, f"without `{first}`, its body kept", _unguard
    elif isinstance(node, ast.BoolOp):
        other_bool: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield line, f"{ast.unparse(node)}, with {type(other_bool).__name__}", partial(_set, "op", other_bool)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        twice = ast.UnaryOp(ast.Not(), node.operand)
        yield line, f"{ast.unparse(node)}, without not", partial(_set, "operand", twice)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        other_value = not node.value if isinstance(node.value, bool) else node.value + 1
        yield line, f"{node.value} as {other_value}", partial(_set, "value", other_value)


def _dropped_statements(node: ast.AST) -> Iterator[_Change]:
    if isinstance(node, ast.Module):
        return
    for field in ("body", "orelse", "finalbody"):
        statements = getattr(node, field, None)
        for index, statement in enumerate(statements if isinstance(statements, list) else []):
            if isinstance(statement, _DROPPED) and not _is_docstring(statement):
                first = ast.unparse(statement).splitlines()[0]
                yield statement.lineno, f"without `{first}`", partial(_drop, field, index)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _unguard(node: ast.AST) -> None:
    assert isinstance(node, (ast.With, ast.AsyncWith))
    nothing = ast.parse("__import__('contextlib').nullcontext()", mode="eval").body
    node.items = [ast.withitem(context_expr=nothing)]


def _set_operator(index: int, kind: type[ast.cmpop], node: ast.AST) -> None:
    assert isinstance(node, ast.Compare)
    node.ops[index] = kind()


def _set(field: str, value: object, node: ast.AST) -> None:
    setattr(node, field, value)


def _drop(field: str, index: int, node: ast.AST) -> None:
    statements = getattr(node, field)
    statements[index] = ast.copy_location(ast.Pass(), statements[index])
