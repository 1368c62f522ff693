"""What a test says of what it shows, and whether claims and cards name tests that say so.

The docstring of a test that proves something holds three lines: `Did:` what was done, `Saw:` what was seen,
`Otherwise:` what would have been seen if the claim were false.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.content.claims import Claim, claims_in
from journal.content.pages import outside_code
from journal.content.problems import Problem
from journal.content.test_names import missing_test, tests_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from journal.content.library import Library
    from journal.content.pages import Page

MAX_CLAIMS_A_TEST = 2

_LINE = re.compile(r"^(Did|Saw|Otherwise):\s*(.*)$")


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


def proof_problems(library: Library) -> list[Problem]:
    """Return what is wrong with the proofs of pages and cards: no such test, no three lines, too many claims."""
    root = library.root
    problems: list[Problem] = []
    of_pages: dict[str, list[Claim]] = defaultdict(list)
    for claim in library.claims:
        for proof in claim.proofs:
            of_pages[proof].append(claim)
            if fault := _fault(root, proof):
                problems.append(Problem(claim.path, claim.line, f"the proof of this claim is no proof: {fault}"))
    # `content.cards.references` reports a card whose test does not exist.
    proven = [card for card in library.decks.cards.values() if card.proof and not missing_test(root, card.proof)]
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
