"""Claims: statements of a page, each with the name of the test that shows it.

A claim ends with ``Proof: `tests/…/test_x.py::test_name` ``; several tests are joined by commas and `and`. The site
turns the same text into marks, so `PROOF` is the one grammar of both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.content.pages import outside_code

if TYPE_CHECKING:
    from journal.content.pages import Page

# Group 1 holds the tests; `tests_named` takes them apart.
PROOF = r"\bProofs?:\s*(`[^`]+`(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+)`[^`]+`)*)"

_PROOF = re.compile(PROOF)
_NAMED = re.compile(r"`([^`]+)`")
_NEW_BLOCK = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s|^#{1,6}\s|^\s*\||^\s*$")


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement and the tests it names.

    Attributes:
        path: the page, relative to the root.
        line: where the proof is named, from 1.
        text: the statement in Markdown, without the proof.
        proofs: pytest ids.
    """

    path: str
    line: int
    text: str
    proofs: tuple[str, ...]


def tests_named(text: str) -> tuple[str, ...]:
    """Return the pytest ids in what group 1 of `PROOF` matched."""
    return tuple(_NAMED.findall(text))


def claims_in(page: Page) -> list[Claim]:
    """Return every claim of `page`. A list item, paragraph or table row that names a proof is one claim."""
    found: list[Claim] = []
    for block in _blocks(page):
        joined = " ".join(line.strip() for _number, line in block)
        start, text = 0, ""
        for match in _PROOF.finditer(joined):
            # A second proof of the same statement has no words of its own.
            text = re.sub(r"^(?:[-*+]|\d+[.)])\s+", "", joined[start : match.start()]).strip() or text
            proofs = tests_named(match[1])
            number = next((number for number, line in block if proofs[0] in line), block[0][0])
            found.append(Claim(page.path, number, text, proofs))
            start = match.end()
    return found


def _blocks(page: Page) -> list[list[tuple[int, str]]]:
    blocks: list[list[tuple[int, str]]] = []
    last = 0
    for number, line in outside_code(page.body):
        if not blocks or number != last + 1 or _NEW_BLOCK.match(line):
            blocks.append([])
        blocks[-1].append((number, line))
        last = number
    return blocks
