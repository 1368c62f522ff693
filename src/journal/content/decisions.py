"""Decisions: `docs/adr/NNNN-slug.md`. They are append-only, and each links to what it replaced and what replaced it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from journal.content.claims import claims_in
from journal.content.marked_yaml import Fields, Items, Text
from journal.content.pages import read_page, relative
from journal.content.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from journal.content.claims import Claim
    from journal.content.pages import Page

STATUSES = ("proposed", "accepted", "rejected", "deprecated", "superseded")
# What was never adopted has nothing to confirm.
_UNCONFIRMED = ("proposed", "rejected")
_NAME = re.compile(r"(\d{4})-[a-z0-9]+(?:-[a-z0-9]+)*\.md")


@dataclass(frozen=True, slots=True)
class Adr:
    """One decision.

    Attributes:
        number: from its file name.
        title: its first heading, without a leading number.
        status: one of `STATUSES`.
        date: the day of its last change of status.
        supersedes: numbers of the decisions it replaces.
        superseded_by: numbers of those that replaced it.
        path: relative to the root.
        confirmation: the claims of its Confirmation section.
    """

    number: int
    title: str
    status: str
    date: date
    supersedes: tuple[int, ...]
    superseded_by: tuple[int, ...]
    path: str
    confirmation: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    adr: Adr
    lines: dict[str, int]


def read_adrs(root: Path) -> tuple[list[Adr], list[Problem]]:
    """Return every decision by number, and all problems of the decisions."""
    found: dict[int, _Found] = {}
    problems: list[Problem] = []
    for path in sorted((root / "docs" / "adr").glob("*.md")):
        if path.name == "index.md":
            continue
        name = relative(path, root)
        match = _NAME.fullmatch(path.name)
        if not match:
            problems.append(Problem(name, 0, "a decision's file is named NNNN-words.md, as 0003-full-jitter.md"))
            continue
        number = int(match[1])
        if number in found:
            problems.append(
                Problem(name, 0, f"number {number} is taken by {found[number].adr.path}; take the next free")
            )
            continue
        page, faults = read_page(path, root)
        problems += faults
        read, more = _read(page, number)
        # Front matter that cannot be read would otherwise be reported once more for each field it holds.
        problems += [] if page.front is None and faults else more
        found[number] = read
    problems += _link_problems(found)
    return [found[number].adr for number in sorted(found)], problems


def _read(page: Page, number: int) -> tuple[_Found, list[Problem]]:
    problems: list[Problem] = []
    front = page.front or Fields({}, {}, 1)
    status = front.text("status").lower()
    if status not in STATUSES:
        problems.append(
            Problem(page.path, front.line_of("status"), f"status is {status!r}; it is one of {', '.join(STATUSES)}")
        )
    on = date.min
    try:
        on = date.fromisoformat(front.text("date"))
    except ValueError:
        problems.append(
            Problem(page.path, front.line_of("date"), f"date is {front.text('date')!r}; write date: YYYY-MM-DD")
        )
    links: dict[str, tuple[int, ...]] = {}
    for key in ("supersedes", "superseded_by"):
        numbers, bad = adr_numbers(front, key)
        links[key] = numbers
        problems += [
            Problem(page.path, front.line_of(key), f"{key} is {text!r}; write decision numbers, as [3, 4]")
            for text in bad
        ]
    title = next((heading.text for heading in page.headings if heading.level == 1), "")
    if not title:
        problems.append(Problem(page.path, 1, "the decision has no title; begin with `# …`"))
    confirmation = _confirmation(page)
    if not confirmation and status not in _UNCONFIRMED:
        problems.append(_unconfirmed(page))
    adr = Adr(
        number=number,
        title=re.sub(r"^(?:ADR[\s-]*)?\d+\s*[.:·-]?\s+", "", title, flags=re.IGNORECASE),
        status=status,
        date=on,
        supersedes=links["supersedes"],
        superseded_by=links["superseded_by"],
        path=page.path,
        confirmation=tuple(confirmation),
    )
    return _Found(adr, {key: front.line_of(key) for key in ("status", "supersedes", "superseded_by")}), problems


def adr_numbers(front: Fields, key: str) -> tuple[tuple[int, ...], list[str]]:
    """Return the decision numbers under `key` (one, a list, or none), and the values there that aren't numbers."""
    node = front.values.get(key)
    nodes = node.values if isinstance(node, Items) else () if node is None else (node,)
    texts = [item.value.strip() if isinstance(item, Text) else "(a list or mapping)" for item in nodes]
    texts = [text for text in texts if text]
    numbers = tuple(int(text) for text in texts if text.isdecimal())
    return numbers, [text for text in texts if not text.isdecimal()]


def _confirmation(page: Page) -> list[Claim]:
    span = _section(page, "confirmation")
    return [claim for claim in claims_in(page) if span and span[0] < claim.line < span[1]]


def _section(page: Page, title: str) -> tuple[int, int] | None:
    heading = next((heading for heading in page.headings if heading.text.lower() == title), None)
    if heading is None:
        return None
    ends = [other.line for other in page.headings if other.line > heading.line and other.level <= heading.level]
    return heading.line, min(ends, default=10**9)


def _unconfirmed(page: Page) -> Problem:
    span = _section(page, "confirmation")
    if span is None:
        return Problem(
            page.path, 1, "the decision has no Confirmation section; add one that names the test that shows it"
        )
    return Problem(
        page.path, span[0], "the Confirmation names no test; end it with Proof: `tests/…/test_x.py::test_name`"
    )


def _link_problems(found: dict[int, _Found]) -> list[Problem]:
    problems: list[Problem] = []
    for number, one in found.items():
        adr = one.adr
        for key, back in (("supersedes", "superseded_by"), ("superseded_by", "supersedes")):
            for other in getattr(adr, key):
                target = found.get(other)
                if target is None:
                    fault = f"{key} names decision {other}, and there is none"
                elif other == number:
                    fault = f"{key} names the decision itself"
                elif number not in getattr(target.adr, back):
                    fault = (
                        f"{key} names decision {other}, but {target.adr.path} lacks `{back}: {number}`; write both ends"
                    )
                else:
                    continue
                problems.append(Problem(adr.path, one.lines[key], fault))
        replaced = bool(adr.superseded_by)
        if replaced != (adr.status == "superseded") and adr.status in STATUSES:
            fault = (
                f"the status is {adr.status}, and superseded_by names {adr.superseded_by[0]}; set status: superseded"
                if replaced
                else "the status is superseded, and nothing says by what; add `superseded_by: …`"
            )
            problems.append(Problem(adr.path, one.lines["status"], fault))
    problems += _cycles(found)
    return problems


def _cycles(found: dict[int, _Found]) -> list[Problem]:
    problems: list[Problem] = []
    for number, one in found.items():
        seen: set[int] = set()
        ahead = [other for other in one.adr.supersedes if other != number]
        while ahead:
            other = ahead.pop()
            if other == number:
                chain = ", ".join(str(n) for n in sorted(seen | {number}))
                problems.append(
                    Problem(
                        one.adr.path, one.lines["supersedes"], f"decisions {chain} supersede each other in a circle"
                    )
                )
                break
            if other not in seen and other in found:
                seen.add(other)
                ahead += found[other].adr.supersedes
    return problems
