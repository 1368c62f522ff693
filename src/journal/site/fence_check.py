"""What the site's build would stumble over, named with file and line: fences, snippets, descriptions, pages of decks.

MkDocs and its extensions report these without a line, some without a file.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import yaml

from journal.content.pages import Page, outside_code, read_page
from journal.content.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OPEN = re.compile(r"^\s*(`{3,}|~{3,})\s*([\w-]*)")
_SNIPPET = re.compile(r'^\s*-+8<-+\s+"([^"]+)"\s*$')
_REGION = re.compile(r"--8<--\s*\[(start|end):\s*([\w-]+)\s*\]")
_DELIMITER = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*$")
_STUB = re.compile(r"exercises/(\w+)/\1\.py")


def check_fences(root: Path) -> list[Problem]:
    """Return every problem of the pages below `docs/` that would stop, or spoil, the building of the site."""
    problems: list[Problem] = []
    for path in sorted((root / "docs").rglob("*.md")):
        page, faults = read_page(path, root)
        problems += faults or _description(page)
        problems += _snippets(page, root)
        problems += _tables(page)
        for line, name, body in _fences(page):
            problems += [Problem(page.path, line, fault) for fault in _fence_faults(name, body, root)]
    problems += [
        Problem(path.relative_to(root).as_posix(), 0, f"the deck has no page; add docs/quizzes/{path.stem}.md")
        for path in sorted((root / "docs" / "quizzes").glob("*.yml"))
        if not path.with_suffix(".md").is_file()
    ]
    problems += [
        Problem(
            path.relative_to(root).as_posix(), 0, f"the exercise has no page; add docs/exercises/{path.parent.name}.md"
        )
        for path in sorted((root / "exercises").glob("*/README.md"))
        if not (root / "docs" / "exercises" / f"{path.parent.name}.md").is_file()
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


def _fences(page: Page) -> Iterator[tuple[int, str, str]]:
    """Yield (line, name, body) of every fenced block."""
    opened: tuple[int, str, str] | None = None
    body: list[str] = []
    for number, line in page.body:
        match = _OPEN.match(line)
        if opened is None:
            if match:
                opened, body = (number, match[1], match[2]), []
        elif match and match[1].startswith(opened[1]) and not match[2]:
            yield opened[0], opened[2], "\n".join(body)
            opened = None
        else:
            body.append(line)


def _fence_faults(name: str, body: str, root: Path) -> Iterator[str]:
    if name not in {"cards", "exercise"}:
        return
    try:
        options = yaml.safe_load(body) or {}
    except yaml.YAMLError as error:
        yield f"the {name} fence is no YAML: {' '.join(str(error).split())}"
        return
    if not isinstance(options, dict):
        yield f"the {name} fence must hold `key: value` lines"
    elif name == "exercise" and not (root / "exercises" / str(options.get("slug")) / "README.md").is_file():
        slug = options.get("slug")
        yield f"the exercise fence names {slug!r}, and there is no exercises/{slug}/README.md"
    elif name == "cards" and "lesson" not in options:
        asked = options.get("topics", options.get("topic"))
        if asked == "all":
            return
        for topic in asked if isinstance(asked, list) else [asked]:
            if not topic:
                yield "the cards fence names no deck; write `topic: <name of a file in docs/quizzes/>`"
            elif not (root / "docs" / "quizzes" / f"{topic}.yml").is_file():
                yield f"the cards fence names deck {topic!r}, and there is no docs/quizzes/{topic}.yml"
