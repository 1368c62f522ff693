"""Words that are always wrong here, each with the word to write instead. All texts that a reader sees are checked.

Some are not English ("belongs into"); others are private or old-fashioned words for a thing with a plain name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journal.content.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALWAYS_WRONG = (
    (r"\bbelongs? into\b", "belongs in"),
    (r"\bmend(?:s|ed|ing)?\b", "fix"),
    (r"\bwhat hangs together\b", "Related"),
    (r"\b(?:is|are) through(?=[.,;:)]|$| and\b| or\b| when\b)", "has run, is finished"),
    (r"(?<!there )\b(?:is|are) none of\b", "is not one of"),
    (r"\banew\b", "again"),
    (r"\bwhoever\b", "anyone who, or the person by name"),
    (r"\bmakes? of it\b", "maps it to, turns it into"),
)
# Pages, cards, messages and docstrings. Bodies of decisions are append-only, and this file and its test name the words.
PLACES = (
    "*.md", "Makefile", "docs/**/*.md", "docs/**/*.yml", "exercises/**/*.md", "exercises/**/*.py", "solutions/**/*.md",
    "solutions/**/*.py", "src/**/*.py", "src/**/*.js", "src/**/*.lua", "tests/**/*.py", "notebooks/*.ipynb",
)  # fmt: skip
_LEFT_OUT = re.compile(r"docs/adr/\d{4}-|/node_modules/|/dist/|house_words\.py$")
_WRONG = [(re.compile(pattern, re.IGNORECASE | re.MULTILINE), instead) for pattern, instead in ALWAYS_WRONG]


def word_problems(root: Path) -> Iterator[Problem]:
    """Yield a problem for every word of `ALWAYS_WRONG` in a text of the project."""
    for place in PLACES:
        for path in sorted(root.glob(place)):
            name = path.relative_to(root).as_posix()
            if _LEFT_OUT.search(f"/{name}") or _LEFT_OUT.search(name):
                continue
            text = path.read_text(encoding="utf-8")
            for pattern, instead in _WRONG:
                for match in pattern.finditer(text):
                    line = text.count("\n", 0, match.start()) + 1
                    yield Problem(name, line, f"says {match[0]!r}; write: {instead}")
