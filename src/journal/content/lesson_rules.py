"""Check the form of a lesson: a head that says whom it is for, a length of one sitting, and code in small pieces.

The head is a list below the title:

    - **For:** engineers who …
    - **Time:** 9 minutes.
    - **Needs:** …
    - **After this you can:** …
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from journal.content.claims import PROOF
from journal.content.listings import blocks, listings
from journal.content.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.content.library import Library
    from journal.content.pages import Page

MINUTES = 12
LINES = 15
COLUMNS = 88
WORDS_A_MINUTE = 200
SECONDS_A_CODE_LINE = 5
HEAD = ("For", "Time", "Needs", "After this you can")
FOLDERS = ("lessons", "recall")

_ITEM = re.compile(r"^[-*] \*\*(?P<label>[^*]+?):?\*\*:?\s*(?P<text>.*)$")
_PROOF = re.compile(PROOF)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_WORD = re.compile(r"\S*\w\S*")


def lesson_problems(library: Library) -> list[Problem]:
    """Return a problem for each lesson that lacks its head, takes too long, or shows too much code in one piece."""
    problems: list[Problem] = []
    root = library.root
    for folder in FOLDERS:
        for page in library.pages(folder):
            if page.path.endswith("/index.md"):
                continue
            if folder == "lessons":
                problems += _head(page, minutes(page, root))
            problems += _length(page, minutes(page, root))
            problems += _code(page, root)
    return problems


def minutes(page: Page, root: Path) -> int:
    """Return how long a page takes to read: 200 words a minute and 5 s a line of code, folded text included.

    Cards, proofs and lists that the build makes are not counted. Rounded up.
    """
    lines = sum(bool(line.strip()) for listing in listings(page, root) for line in listing.lines)
    return math.ceil(_words(page) / WORDS_A_MINUTE + lines * SECONDS_A_CODE_LINE / 60)


def head(page: Page) -> dict[str, str]:
    """Return what a lesson's head says, by label; empty if it has none."""
    starts = [heading.line for heading in page.headings if heading.level == 1]
    ends = [heading.line for heading in page.headings if heading.level == 2]
    first, last = min(starts, default=0), min(ends, default=10**9)
    found: dict[str, str] = {}
    label = ""
    for number, text in page.body:
        if not first < number < last:
            continue
        if match := _ITEM.match(text):
            label = match["label"]
            found[label] = match["text"]
        elif label and text.startswith(" "):
            found[label] = f"{found[label]} {text.strip()}".strip()
        else:
            label = ""
    return found


def _head(page: Page, takes: int) -> Iterator[Problem]:
    said = head(page)
    at = min((heading.line for heading in page.headings if heading.level == 1), default=1)
    missing = [label for label in HEAD if not said.get(label)]
    if missing:
        yield Problem(
            page.path, at, f"the lesson's head lacks {', '.join(missing)}; add `- **{missing[0]}:** …` below the title"
        )
    elif not re.fullmatch(rf"{takes} minutes?\.", said["Time"]):
        yield Problem(page.path, at, f"the head says {said['Time']!r}, and the page takes {takes} minutes; write that")


def _length(page: Page, takes: int) -> Iterator[Problem]:
    if takes > MINUTES:
        yield Problem(
            page.path, 1, f"the page takes {takes} minutes to read, and {MINUTES} is the most; split or shorten it"
        )


def _code(page: Page, root: Path) -> Iterator[Problem]:
    for listing in listings(page, root):
        lines = listing.lines
        if len(lines) > LINES:
            yield Problem(
                page.path, listing.line, f"this block has {len(lines)} lines, and {LINES} is the most; show less of it"
            )
        widest = max((len(line) for line in lines), default=0)
        if widest > COLUMNS:
            yield Problem(
                page.path, listing.line, f"a line of this block has {widest} columns, and {COLUMNS} is the most"
            )


def _words(page: Page) -> int:
    """Count the words of a page's prose."""
    inside = {n for line, _, body in blocks(page) for n in range(line, line + len(body) + 2)}
    prose = "\n".join(text for number, text in page.body if number not in inside)
    prose = re.sub(r"<!--.*?-->", "", prose, flags=re.DOTALL)
    prose = _LINK.sub(r"\1", _PROOF.sub("", prose))
    return len(_WORD.findall(re.sub(r"\{[:#][^}]*\}", "", prose)))
