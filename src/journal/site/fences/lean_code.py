"""Code without the marks that no style sheet colours: names and spaces, more than half of what a listing weighs.

A Markdown extension (`journal.site.fences.lean_code`), used beside pymdownx.highlight.
"""

from __future__ import annotations

import re
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor

# Pygments' classes for a name and for white space; the theme gives both the colour of code.
_PLAIN = re.compile(r'<span class="(?:n|w)">([^<]*)</span>')


def lean(html: str) -> str:
    """Return `html` with the text of such marks in their place."""
    return _PLAIN.sub(r"\1", html)


class _Lean(Postprocessor):
    def run(self, text: str) -> str:
        return lean(text)


class LeanCodeExtension(Extension):
    """Takes the marks out; see the module's docstring."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register after raw HTML, which highlighted code is, has been put back."""
        md.postprocessors.register(_Lean(md), "journal_lean_code", 4)


def makeExtension(**options: Any) -> LeanCodeExtension:  # noqa: N802
    """Return the extension, as Python-Markdown asks for it."""
    return LeanCodeExtension(**options)  # type: ignore[no-untyped-call]
