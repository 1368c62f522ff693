"""Find what would break the site's build, with file and line: snippets, descriptions, tables, pages of decks.

MkDocs and its extensions report these without a line, some without a file; a fence reports what is wrong with itself.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from journal.content.pages import outside_code
from journal.content.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.content.library import Library
    from journal.content.pages import Page

_SNIPPET = re.compile(r'^\s*-+8<-+\s+"([^"]+)"\s*$')
_REGION = re.compile(r"--8<--\s*\[(start|end):\s*([\w-]+)\s*\]")
_DELIMITER = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*$")
_STUB = re.compile(r"exercises/(\w+)/\1\.py")


def page_problems(library: Library) -> list[Problem]:
    """Return every problem of a page that would stop, or spoil, the building of the site, and each missing page."""
    problems: list[Problem] = []
    for page, faults in library.pages_and_faults():
        problems += faults or _description(page)
        problems += _snippets(page, library.root)
        problems += _tables(page)
    problems += [
        Problem(deck.path, 0, f"the deck has no page; add docs/quizzes/{deck.topic}.md")
        for deck in library.decks.all
        if library.page(f"docs/quizzes/{deck.topic}.md") is None
    ]
    problems += [
        Problem(f"exercises/{slug}/README.md", 0, f"the exercise has no page; add docs/exercises/{slug}.md")
        for slug in library.courses
        if library.page(f"docs/exercises/{slug}.md") is None
    ]
    return problems


def _description(page: Page) -> list[Problem]:
    if page.front is None or not page.front.text("description"):
        return [Problem(page.path, 1, "the page has no description; add `description: …` to its front matter")]
    return []


def _snippets(page: Page, root: Path) -> Iterator[Problem]:
    for number, line in page.body:
        match = _SNIPPET.match(line)
        if not match:
            continue
        path, _, region = match[1].partition(":")
        file = root / path
        if not file.is_file():
            yield Problem(page.path, number, f"includes {path}, which does not exist; correct the path")
            continue
        if _STUB.fullmatch(path):
            yield Problem(
                page.path, number, f"includes {path}, which is the learner's to change; include from solutions/"
            )
        if region and not region[0].isdigit():
            marks = _REGION.findall(file.read_text(encoding="utf-8"))
            known = sorted({name for kind, name in marks if kind == "start"})
            for kind in ("start", "end"):
                if (kind, region) not in marks:
                    yield Problem(
                        page.path,
                        number,
                        f"includes region {region!r} of {path}, which has no `--8<-- [{kind}:{region}]`; "
                        f"its regions are {', '.join(known) or 'none'}",
                    )
                    break


def _tables(page: Page) -> Iterator[Problem]:
    lines = outside_code(page.body)
    for (number, line), (_, below) in pairwise(lines):
        if _DELIMITER.match(below) and "|" in line:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not all(cells):
                yield Problem(
                    page.path, number, "a column of this table has no heading, which a screen reader needs; name it"
                )
