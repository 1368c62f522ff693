"""Check that stub and solution are twins: they have the same names, signatures and docstrings.

Only the module's own docstring may differ: the stub's speaks to the learner, the solution's to a reader.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from journal.content.problems import Problem

if TYPE_CHECKING:
    from journal.course.exercises import Exercise

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def check_twins(exercise: Exercise) -> list[Problem]:
    """Return every public name, signature or docstring in which stub and solution differ.

    Where the learner writes tests there is nothing to call, and each suite has names of its own.
    """
    text = exercise.stub()
    if text is None or not exercise.has("solution") or exercise.graded_against:
        return []
    try:
        stub, solution = public_face(text), public_face(exercise.text("solution"))
    except SyntaxError:
        return []  # check_texts says which file, and where
    path, other = exercise.path("solution"), exercise.path("stub")
    problems = []
    for name, (line, face) in stub.items():
        if name not in solution:
            problems.append(Problem(path, 0, f"lacks {name}, which stands in {other}:{line}; add it"))
            continue
        own_line, own_face = solution[name]
        for part in face:
            if face[part] != own_face.get(part):
                difference = _difference(face[part], own_face.get(part))
                remedy = f"make it the same as {other}:{line}"
                problems.append(
                    Problem(path, own_line, f"{name} differs from the stub in its {part}, {difference}; {remedy}")
                )
    problems += [
        Problem(path, line, f"has the public name {name}, which the stub lacks; begin it with _ or add it to {other}")
        for name, (line, _) in solution.items()
        if name not in stub
    ]
    return problems


def public_face(text: str) -> dict[str, tuple[int, dict[str, str]]]:
    """Return each public name with its line and, part by part, what a caller can see of it."""
    tree = ast.parse(text)
    face: dict[str, tuple[int, dict[str, str]]] = {}
    _add(face, tree.body, "")
    return face


def _add(face: dict[str, tuple[int, dict[str, str]]], body: list[ast.stmt], prefix: str) -> None:
    for node in body:
        if isinstance(node, _Function) and _public(node.name):
            kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
            face[prefix + node.name] = (
                node.lineno,
                {
                    "kind": kind,
                    "parameters": ast.unparse(node.args),
                    "return annotation": ast.unparse(node.returns) if node.returns else "",
                    "decorators": " ".join(ast.unparse(decorator) for decorator in node.decorator_list),
                    "docstring": ast.get_docstring(node) or "",
                },
            )
        elif isinstance(node, ast.ClassDef) and _public(node.name):
            face[prefix + node.name] = (
                node.lineno,
                {
                    "kind": "class",
                    "bases": " ".join(ast.unparse(base) for base in node.bases),
                    "decorators": " ".join(ast.unparse(decorator) for decorator in node.decorator_list),
                    "docstring": ast.get_docstring(node) or "",
                },
            )
            _add(face, node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _public(node.target.id):
            value = ast.unparse(node.value) if node.value else ""
            face[prefix + node.target.id] = (
                node.lineno,
                {"annotation": ast.unparse(node.annotation), "value": value},
            )
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and _public(target.id):
                    face[prefix + target.id] = (node.lineno, {"value": ast.unparse(node.value)})


def _public(name: str) -> bool:
    return not name.startswith("_") or name in {"__init__", "__enter__", "__exit__", "__aenter__", "__aexit__"}


def _difference(stub: str, solution: str | None) -> str:
    if solution is None:
        return f"which there is {stub!r}"
    theirs, mine = stub.splitlines() or [""], solution.splitlines() or [""]
    for one, two in zip([*theirs, ""], [*mine, ""], strict=False):
        if one != two:
            return f"{two.strip()!r} where the stub has {one.strip()!r}"
    return f"{solution!r} where the stub has {stub!r}"
