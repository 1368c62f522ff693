"""Names for the boxes of a task list: a screen reader would otherwise meet a box that says nothing.

A Markdown extension (`journal.site.fences.tasks`), used beside pymdownx.tasklist.
"""

from __future__ import annotations

import re
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor

_BOX = re.compile(r'<input type="checkbox" disabled( checked)?\s*/?>')


def named(html: str) -> str:
    """Return `html` with every box of a task list named "done" or "open"."""
    return _BOX.sub(
        lambda box: f'<input type="checkbox" disabled{box[1] or ""} aria-label="{"done" if box[1] else "open"}">',
        html,
    )


class _Names(Postprocessor):
    def run(self, text: str) -> str:
        return named(text)


class TasksExtension(Extension):
    """Names the boxes; see the module's docstring."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register after raw HTML, which the boxes are, has been put back."""
        md.postprocessors.register(_Names(md), "journal_tasks", 5)


def makeExtension(**options: Any) -> TasksExtension:  # noqa: N802
    """Return the extension, as Python-Markdown asks for it."""
    return TasksExtension(**options)  # type: ignore[no-untyped-call]
