"""Check that every lesson and recall page has a figure, or says in its front matter why not: `figure: none, …`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.content.lesson_rules import FOLDERS
from journal.content.problems import Problem

if TYPE_CHECKING:
    from journal.content.library import Library

_NONE = "none, because "


def figure_problems(library: Library) -> list[Problem]:
    """Return the pages that have neither a figure nor a reason."""
    problems: list[Problem] = []
    for folder in FOLDERS:
        for page in library.pages(folder):
            if page.path.endswith("/index.md") or any(text.startswith("```figure") for _, text in page.body):
                continue
            reason = page.front.text("figure") if page.front else ""
            if not reason.startswith(_NONE) or len(reason) < len(_NONE) + 10:
                problems.append(
                    Problem(page.path, 1, f"it has no figure; add one, or `figure: {_NONE}…` to its front matter")
                )
    return problems
