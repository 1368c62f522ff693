"""Markdown pages as the checks see them: front matter with line numbers, headings with their anchors on the site."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from journal.content.marked_yaml import Fields, MarkedYamlError, parse
from journal.content.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

_ATTRIBUTES = re.compile(r"\s*\{:?\s*([^}]*)\}\s*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: level 1 to 6, its text without markup, its anchor on the site, its line from 1."""

    level: int
    text: str
    anchor: str
    line: int


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file.

    Attributes:
        path: relative to the root, with forward slashes.
        front: its front matter, None when it has none.
        body: `(line, text)` of every line after the front matter, code blocks included.
        headings: in order, code blocks left out.
    """

    path: str
    front: Fields | None
    body: tuple[tuple[int, str], ...]
    headings: tuple[Heading, ...]

    @property
    def anchors(self) -> frozenset[str]:
        """All anchors that headings give."""
        return frozenset(heading.anchor for heading in self.headings)


def relative(path: Path, root: Path) -> str:
    """Return `path` below `root` with forward slashes, as problems name it."""
    return path.relative_to(root).as_posix()


def read_page(path: Path, root: Path) -> tuple[Page, list[Problem]]:
    """Read a page; what is wrong with its front matter comes back as problems beside what could be read.

    A file that has not changed since it was last asked for is not read again.
    """
    stat = path.stat()
    page, problems = _read(path, relative(path, root), stat.st_mtime_ns, stat.st_size)
    return page, list(problems)


@lru_cache(maxsize=4096)
def _read(path: Path, name: str, _mtime_ns: int, _size: int) -> tuple[Page, tuple[Problem, ...]]:
    problems: list[Problem] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    front: Fields | None = None
    start = 0
    if lines and lines[0].rstrip() == "---":
        end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() in {"---", "..."}), None)
        if end is None:
            problems.append(Problem(name, 1, "front matter begins here and never ends; close it with a line of ---"))
        else:
            start = end + 1
            try:
                node = parse("\n".join(lines[1:end]), first_line=2)
            except MarkedYamlError as error:
                problems.append(Problem(name, error.line, f"the front matter {error}"))
            else:
                if isinstance(node, Fields):
                    front = node
                    problems += [
                        Problem(name, line, f"the key {key!r} stands twice; keep one") for key, line in node.repeated
                    ]
                elif node is not None:
                    problems.append(Problem(name, 2, "front matter must be `key: value` lines"))
    body = tuple((number, line) for number, line in enumerate(lines, 1) if number > start)
    return Page(name, front, body, tuple(_headings(body))), tuple(problems)


def outside_code(body: tuple[tuple[int, str], ...]) -> list[tuple[int, str]]:
    """Return the lines of `body` that stand in no fenced code block and no HTML comment."""
    kept: list[tuple[int, str]] = []
    fence = ""
    in_comment = False
    for number, line in body:
        found = None if in_comment else _FENCE.match(line)
        if fence:
            if found and found[1][0] == fence[0] and len(found[1]) >= len(fence):
                fence = ""
        elif found:
            fence = found[1]
        else:
            text, in_comment = _without_comments(line, in_comment=in_comment)
            kept.append((number, text))
    return kept


def _without_comments(line: str, *, in_comment: bool) -> tuple[str, bool]:
    text = ""
    while line:
        mark = "-->" if in_comment else "<!--"
        before, found, line = line.partition(mark)
        text += "" if in_comment else before
        in_comment ^= bool(found)
    return text, in_comment


def slugify(text: str) -> str:
    """Return the anchor that Python-Markdown's table of contents gives a heading of this text."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    plain = re.sub(r"[^\w\s-]", "", plain).strip().lower()
    return re.sub(r"[-\s]+", "-", plain)


def _headings(body: tuple[tuple[int, str], ...]) -> list[Heading]:
    found: list[Heading] = []
    used: set[str] = set()
    for number, line in outside_code(body):
        match = re.match(r"^(#{1,6})\s+(.+?)\s*#*\s*$", line)
        if not match:
            continue
        raw = match[2]
        named = ""
        attributes = _ATTRIBUTES.search(raw)
        if attributes:
            identity = re.search(r"#([\w:.-]+)", attributes[1])
            named = identity[1] if identity else ""
            raw = raw[: attributes.start()]
        text = _plain(raw)
        anchor = named or _unused(slugify(text), used)
        used.add(anchor)
        found.append(Heading(len(match[1]), text, anchor, number))
    return found


def _plain(markup: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markup)
    text = re.sub(r"<[^>]+>", "", text)
    text = re.sub(r"[`*]|(?<!\w)_|_(?!\w)", "", text)
    return html.unescape(text).strip()


def _unused(anchor: str, used: set[str]) -> str:
    """Number a repeated anchor as Python-Markdown does, with `_1`, then `_2`."""
    candidate, count = anchor, 0
    while candidate in used:
        count += 1
        candidate = f"{anchor}_{count}"
    return candidate
