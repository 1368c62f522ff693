"""The code that a page shows: every fenced block, with the regions of files that it includes written out."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.content.pages import Page

# What a reader reads as code; every other fence (cards, chain, a drawing) is made into something else.
LANGUAGES = {
    "bash", "console", "diff", "dockerfile", "go", "html", "http", "ini", "json", "lua", "markdown", "proto", "py",
    "pycon", "python", "sh", "sql", "text", "toml", "yaml",
}  # fmt: skip
_OPEN = re.compile(r"^(?P<indent>\s*)(?P<mark>`{3,}|~{3,})\s*(?P<info>[^`]*)$")
_SNIPPET = re.compile(r'^\s*-+8<-+\s+"(?P<path>[^":]+)(?::(?P<region>[^"]+))?"\s*$')
_MARKER = re.compile(r"--8<--\s*\[(?:start|end):")


@dataclass(frozen=True, slots=True)
class Listing:
    """One block of code.

    Attributes:
        line: of its opening fence, from 1.
        language: as the fence names it, without the dot; empty if it names none.
        classes: the other names of the fence, as `runnable`.
        code: its text, snippets written out, without the indentation of an admonition around it.
    """

    line: int
    language: str
    classes: tuple[str, ...]
    code: str

    @property
    def lines(self) -> list[str]:
        """Its lines, without empty ones at either end."""
        return self.code.strip("\n").splitlines()


def listings(page: Page, root: Path) -> list[Listing]:
    """Return the blocks of code of a page in their order; a file or region that does not exist gives no lines."""
    found = []
    for line, info, body in blocks(page):
        names = [name.lstrip(".") for name in info.strip("{} ").split() if "=" not in name]
        language = names[0] if names else ""
        if not language or language in LANGUAGES:
            code = "\n".join(text for each in body for text in _written_out(each, root))
            found.append(Listing(line, language, tuple(names[1:]), code))
    return found


def blocks(page: Page) -> Iterator[tuple[int, str, list[str]]]:
    """Yield (line, what the fence names, lines) of every fenced block, those inside admonitions too."""
    opened: tuple[int, str, re.Match[str]] | None = None
    body: list[str] = []
    for number, text in page.body:
        match = _OPEN.match(text)
        if opened is None:
            if match:
                opened, body = (number, match["info"], match), []
        elif match and match["mark"].startswith(opened[2]["mark"]) and not match["info"].strip():
            yield opened[0], opened[1], body
            opened = None
        else:
            body.append(text.removeprefix(opened[2]["indent"]))


def _written_out(text: str, root: Path) -> list[str]:
    match = _SNIPPET.match(text)
    if not match:
        return [text]
    file = root / match["path"]
    if not file.is_file():
        return []
    return region(file.read_text(encoding="utf-8"), match["region"] or "")


def region(text: str, name: str) -> list[str]:
    """Return the lines of a file's region without its indentation, or of the whole file when `name` is empty."""
    lines = text.splitlines()
    if re.fullmatch(r"\d*(?::\d*)?", name) and name:
        start, _, end = name.partition(":")
        lines = lines[int(start or 1) - 1 : int(end) if end else None]
    elif name:
        marks = [f"--8<-- [{kind}:{name}]" for kind in ("start", "end")]
        at = [next((n for n, line in enumerate(lines) if mark in line), None) for mark in marks]
        lines = lines[at[0] + 1 : at[1]] if at[0] is not None and at[1] is not None else []
    return textwrap.dedent("\n".join(line for line in lines if not _MARKER.search(line))).splitlines()
