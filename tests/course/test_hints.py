"""Hint 3 shows the shape of a step and leaves the line that is the point to the learner."""

import ast
import re
from dataclasses import dataclass

from grading.definitions import docstring_of, end_of, start_of
from grading.grader import Graders
from grading.splice import SpliceError, splice
from journal.course import find_exercises
from tests.course.conftest import ROOT

STEP = re.compile(r"^## (?:Stretch )?(\d+)\. .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
HINT_3 = re.compile(r"<details><summary>Hint 3</summary>(.*?)</details>", re.DOTALL)
CODE = re.compile(r"^```(?:python)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
Function = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Laid:
    """A program whose `function` is what hint 3 of a step gives."""

    slug: str
    step: int
    function: str
    text: str


def functions_of(stub: str, step: int) -> list[str]:
    """Name the functions that a step asks for: their stubs raise NotImplementedError("step …")."""
    tree = ast.parse(stub)
    classes = [(f"{node.name}.", node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
    return [
        prefix + node.name
        for prefix, body in [("", tree.body), *classes]
        for node in body
        if isinstance(node, Function) and f'NotImplementedError("step {step}:' in ast.unparse(node).replace("'", '"')
    ]


def laid(solution: str, name: str, code: str) -> str | None:
    """Return the solution with the hint's code in place of one function's body; None when that is not Python."""
    try:
        shown = ast.parse(code).body
    except SyntaxError:
        shown = None
    if any(isinstance(node, (*Function, ast.ClassDef)) and node.name in name.split(".") for node in shown or []):
        try:
            return splice(solution, code)
        except SpliceError:
            return None
    owner, _, bare = name.rpartition(".")
    body = ast.parse(solution).body
    if owner:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == owner)
    node = next(node for node in body if isinstance(node, Function) and node.name == bare)
    kept = docstring_of(node.body)
    first = end_of(kept) if kept else start_of(node.body[0])
    lines = solution.split("\n")
    indent = " " * node.body[0].col_offset
    hint = [indent + line if line else line for line in code.rstrip().split("\n")]
    text = "\n".join([*lines[:first], *hint, *lines[end_of(node) :]])
    try:
        compile(text, "hint", "exec")
    except SyntaxError:
        return None
    return text


def programs() -> list[Laid]:
    found = []
    for exercise in find_exercises(ROOT):
        if exercise.graded_against:
            continue
        stub, solution = exercise.stub() or exercise.text("stub"), exercise.text("solution")
        for section in STEP.finditer(exercise.text("readme")):
            step = int(section[1])
            for hint in HINT_3.findall(section[0]):
                for code in CODE.findall(hint):
                    for name in functions_of(stub, step):
                        if (text := laid(solution, name, code)) is not None:
                            found.append(Laid(exercise.slug, step, name, text))
    return found


def test_a_hint_that_is_the_answer_would_be_noticed():
    solution = 'def one(n):\n    """Say."""\n    return n + 1\n\n\nTWO = 2\n'
    assert laid(solution, "one", "return 1 + n\n") == 'def one(n):\n    """Say."""\n    return 1 + n\n\n\nTWO = 2\n'
    assert laid(solution, "one", "return …\n") is None
    stub = 'def one(n):\n    raise NotImplementedError("step 1: count")\n'
    assert (functions_of(stub, 1), functions_of(stub, 2)) == (["one"], [])


def test_no_hint_3_passes_its_step():
    """Did: laid the code of each hint 3 over each function of its step, the rest being the solution, and graded that.

    Saw: no step passed. Otherwise: a hint would be the answer, and the exercise a copy of it.
    """
    laid_over = programs()
    assert len(laid_over) >= 5
    with Graders(ROOT, 2) as graders:
        results = [(one, graders.submit(one.slug, one.text)) for one in laid_over]
        passed = [
            f"hint 3 of step {one.step} in exercises/{one.slug}/README.md is the whole of {one.function}"
            for one, wait in results
            if any(step.n == one.step and step.outcome == "passed" for step in wait().steps)
        ]
    assert passed == []
