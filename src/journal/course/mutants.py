"""Mutants of a solution: one small change each, every one of which some test should notice.

A mutant that no test kills shows a line that the graders do not look at, or a change that makes no difference; it is
reported, to be read by whoever keeps the exercise, and does not make the course red.
"""

from __future__ import annotations

import ast
import copy
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from journal.overlay import OverlayError, grade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.course.exercises import Exercise

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


@dataclass(frozen=True, slots=True)
class Mutant:
    """A solution with one change; `what` says it, `line` is where."""

    line: int
    what: str
    text: str


def mutants_of(text: str) -> list[Mutant]:
    """List every mutant of a solution's text, in the order of its lines."""
    tree = ast.parse(text)
    found = []
    for number, node in enumerate(ast.walk(tree)):
        for line, what, change in [*_expression_changes(node), *_dropped_statements(node)]:
            mutated = copy.deepcopy(tree)
            change(list(ast.walk(mutated))[number])
            ast.fix_missing_locations(mutated)
            found.append(Mutant(line, what, ast.unparse(mutated)))
    return sorted(found, key=lambda one: (one.line, one.what))


def survivors(
    exercise: Exercise, *, at_most: int | None = None, tell: Callable[[str], None] = lambda _line: None
) -> list[str]:
    """Grade the mutants of the solution and return a line for each that passes every step.

    Args:
        exercise: whose solution.
        at_most: how many to try, drawn at random with a fixed seed; None for all.
        tell: called with a line at the end.
    """
    mutants = mutants_of(exercise.text("solution"))
    tried = mutants
    if at_most is not None and at_most < len(mutants):
        tried = random.Random(exercise.slug).sample(mutants, at_most)
    with ThreadPoolExecutor(2) as pool:
        alive = list(pool.map(partial(_passes, exercise), tried))
    lines = [
        f"{exercise.path('solution')}:{mutant.line}: no test notices: {mutant.what}"
        for mutant, passes in zip(tried, alive, strict=True)
        if passes
    ]
    tell(f"{exercise.slug}: {len(tried) - len(lines)} of {len(tried)} mutants killed ({len(mutants)} there are)")
    return sorted(lines)


def _passes(exercise: Exercise, mutant: Mutant) -> bool:
    settings = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "REDRIVE_TEST_LIMIT_S": "3"}
    try:
        graded = grade(exercise.root, exercise.slug, mutant.text, environment=settings, arguments=("-x",))
    except OverlayError:
        return False
    return graded.returncode == 0


def _expression_changes(node: ast.AST) -> Iterator[_Change]:
    line = getattr(node, "lineno", 0)
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            other = _COMPARE.get(type(operator))
            if other is not None:
                yield line, f"{ast.unparse(node)}, with {other.__name__}", partial(_set_operator, index, other)
    elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        other_binary = _BINARY[type(node.op)]
        yield line, f"{ast.unparse(node)}, with {other_binary.__name__}", partial(_set, "op", other_binary())
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


def _set_operator(index: int, kind: type[ast.cmpop], node: ast.AST) -> None:
    assert isinstance(node, ast.Compare)
    node.ops[index] = kind()


def _set(field: str, value: object, node: ast.AST) -> None:
    setattr(node, field, value)


def _drop(field: str, index: int, node: ast.AST) -> None:
    statements = getattr(node, field)
    statements[index] = ast.copy_location(ast.Pass(), statements[index])
