"""Claims and the tests that prove them, as the text states them.

A claim in Markdown ends with ``Proof: `tests/…/test_x.py::test_name` ``. The docstring of the test it names holds three
lines: `Did:` what was done, `Saw:` what was seen, `Otherwise:` what would have been seen were the claim false.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.content.pages import outside_code, read_page
from journal.content.problems import Problem
from journal.content.test_names import missing_test, tests_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from journal.content.cards import Library
    from journal.content.pages import Page

MAX_CLAIMS_A_TEST = 2

_PROOF = re.compile(r"\bProofs?:\s*((?:`[^`]+`(?:\s*(?:,|and)\s*)?)+)")
_NAMED = re.compile(r"`([^`]+)`")
_NEW_BLOCK = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s|^#{1,6}\s|^\s*\||^\s*$")
_LINE = re.compile(r"^(Did|Saw|Otherwise):\s*(.*)$")


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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a test's docstring says of what it shows; "" for a line that is missing."""

    did: str
    saw: str
    otherwise: str

    @property
    def missing(self) -> tuple[str, ...]:
        """The lines that are not there."""
        lines = {"Did": self.did, "Saw": self.saw, "Otherwise": self.otherwise}
        return tuple(name for name, text in lines.items() if not text)


def claims_in(page: Page) -> list[Claim]:
    """Return every claim of `page` that names a proof; a list item, paragraph or table row is one claim."""
    found: list[Claim] = []
    for block in _blocks(page):
        joined = " ".join(line.strip() for _number, line in block)
        start, text = 0, ""
        for match in _PROOF.finditer(joined):
            # A second proof of the same statement has no words of its own.
            text = re.sub(r"^(?:[-*+]|\d+[.)])\s+", "", joined[start : match.start()]).strip() or text
            first = _NAMED.findall(match[1])[0]
            number = next((number for number, line in block if first in line), block[0][0])
            found.append(Claim(page.path, number, text, tuple(_NAMED.findall(match[1]))))
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


def all_claims(root: Path) -> list[Claim]:
    """Return every claim with a proof in the pages below `docs/`, in file order."""
    found: list[Claim] = []
    for path in sorted((root / "docs").rglob("*.md")):
        found += claims_in(read_page(path, root)[0])
    return found


def evidence(root: Path, proof: str) -> Evidence:
    """Return the three lines of the test `proof`, which must exist."""
    path, _, name = proof.partition("::")
    docstring = tests_in(root / path)[name.partition("[")[0]]
    lines = {"Did": "", "Saw": "", "Otherwise": ""}
    current = ""
    for line in docstring.splitlines():
        match = _LINE.match(line.strip())
        if match:
            current = match[1]
            lines[current] = match[2].strip()
        elif current and line.strip():
            lines[current] += " " + line.strip()
        else:
            current = ""
    return Evidence(lines["Did"], lines["Saw"], lines["Otherwise"])


def proof_problems(root: Path, library: Library) -> list[Problem]:
    """Return what is wrong with the proofs of pages and cards: no such test, no three lines, too many claims."""
    problems: list[Problem] = []
    of_pages: dict[str, list[Claim]] = defaultdict(list)
    for claim in all_claims(root):
        for proof in claim.proofs:
            of_pages[proof].append(claim)
            if fault := _fault(root, proof):
                problems.append(Problem(claim.path, claim.line, f"the proof of this claim is no proof: {fault}"))
    # That the test exists is the card's own check.
    proven = [card for card in library.cards.values() if card.proof and not missing_test(root, card.proof)]
    problems += [
        Problem(card.path, card.line, f"the proof of card {card.id!r} is no proof: {fault}")
        for card in proven
        if card.proof and (fault := _fault(root, card.proof))
    ]
    problems += _overworked(of_pages)
    return problems


def unproven_bullets(page: Page, section: str) -> list[Problem]:
    """Return a problem for each bullet under the heading that contains `section` (in any case) without a proof."""
    heading = next((heading for heading in page.headings if section.lower() in heading.text.lower()), None)
    if heading is None:
        return []
    ends = [other.line for other in page.headings if other.line > heading.line and other.level <= heading.level]
    last = min(ends, default=10**9)
    proven = {claim.line for claim in claims_in(page)}
    problems: list[Problem] = []
    bullets: list[list[int]] = []
    for number, line in outside_code(page.body):
        if not heading.line < number < last:
            continue
        if re.match(r"^[-*+]\s", line):
            bullets.append([number])
        elif bullets:
            bullets[-1].append(number)
    problems += [
        Problem(page.path, lines[0], "this lesson learned names no proof; end it with Proof: `tests/…::test_…`")
        for lines in bullets
        if not proven & set(lines)
    ]
    return problems


def _fault(root: Path, proof: str) -> str | None:
    fault = missing_test(root, proof)
    if fault:
        return fault
    missing = evidence(root, proof).missing
    if missing:
        return f"the docstring of {proof} lacks {', '.join(f'`{name}: …`' for name in missing)}"
    return None


def _overworked(by_proof: dict[str, list[Claim]]) -> Iterable[Problem]:
    for proof, claims in sorted(by_proof.items()):
        distinct = {(claim.path, claim.line): claim for claim in claims}
        if len(distinct) > MAX_CLAIMS_A_TEST:
            where = ", ".join(f"{path}:{line}" for path, line in sorted(distinct))
            last = max(distinct)
            yield Problem(
                *last,
                f"{proof} is the proof of {len(distinct)} claims ({where}); a test proves at most {MAX_CLAIMS_A_TEST}",
            )
