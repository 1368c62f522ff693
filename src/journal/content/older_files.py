"""Notice a learner's file that was written for an earlier version of its exercise.

The stub's docstrings are the contract, and learners seldom change them. So a file is an old one if it holds a docstring
that an earlier stub had in git's history and today's stub doesn't have.
"""

from __future__ import annotations

import ast
import subprocess
from typing import TYPE_CHECKING

from grading.definitions import Definition
from grading.overlay import stub_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.content.settings import Course


def notice(root: Path, slug: str, course: Course) -> list[str]:
    """Return what to tell a learner whose file was written for an earlier version; nothing for any other file."""
    if not course.changes or not is_older(root, slug):
        return []
    file = f"exercises/{slug}/{slug}.py"
    return [
        f"{file} was written for an earlier version of the exercise. Since then {course.changes[-1].what}.",
        f"To lay your code over the new stub and keep a copy of your file: journal reset {slug} --code {file}",
    ]


def is_older(root: Path, slug: str) -> bool:
    """Say whether the learner's file has a docstring of an earlier stub; False where git can't tell."""
    path = f"exercises/{slug}/{slug}.py"
    stub = stub_text(root, slug)
    try:
        mine = _docstrings((root / path).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return False
    if stub is None:
        return False
    now = _docstrings(stub)
    changed = {(name, text) for name, text in mine.items() if name in now and now[name] != text}
    return bool(changed) and any(changed & set(_docstrings(before).items()) for before in _earlier(root, path))


def _docstrings(text: str) -> dict[str, str]:
    tree = ast.parse(text)
    return {"": ast.get_docstring(tree) or "", **dict(_docstrings_in(tree.body, ""))}


def _docstrings_in(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, Definition):
            if text := ast.get_docstring(node):
                yield prefix + node.name, text
            if isinstance(node, ast.ClassDef):
                yield from _docstrings_in(node.body, f"{prefix}{node.name}.")


def _earlier(root: Path, path: str) -> Iterator[str]:
    """Yield the earlier texts of a file, the latest first; none without git."""
    for commit in _git(root, "log", "--format=%H", "--", path).split():
        text = _git(root, "show", f"{commit}:{path}")
        try:
            ast.parse(text)
        except SyntaxError:
            continue
        yield text


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except OSError:
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
