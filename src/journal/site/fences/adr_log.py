"""The adr-log fence: every decision with its status, its date, and what replaced it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.content.decisions import Adr
from journal.site.fences.fence import as_fence
from journal.site.fences.templates import Link, fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place


def render(_options: Mapping[str, Any], place: Place) -> str:
    """Return the table of all decisions, oldest first: decisions are appended, never edited away."""
    adrs = place.library.decisions
    known = {adr.number: adr for adr in adrs}
    rows = [
        {
            "number": f"{adr.number:04d}",
            "link": _link(adr, place, adr.title),
            "status": adr.status,
            "relations": _relations(adr, known, place),
            "date": f"{adr.date:%Y-%m-%d}",
        }
        for adr in adrs
    ]
    return fill("adr-log.html", adrs=rows)


def _link(adr: Adr, place: Place, text: str) -> Link:
    return Link(place.link(adr.path.removeprefix("docs/")), text)


def _relations(adr: Adr, known: Mapping[int, Adr], place: Place) -> list[tuple[str, list[Link]]]:
    return [
        (word, [_link(known[n], place, f"{n:04d}") for n in numbers if n in known])
        for word, numbers in (("by", adr.superseded_by), ("replaces", adr.supersedes))
        if numbers
    ]


fence = as_fence(render)
