"""The adr-log fence: every decision with its status, its date, and what replaced it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from journal.content.decisions import Adr
from journal.site.fences.fence import as_fence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown

    from journal.site.fences.place import Place


def render(_options: Mapping[str, Any], place: Place, _md: Markdown | None = None) -> str:
    """Return the table of all decisions, oldest first: decisions are appended, never edited away."""
    adrs = place.library.decisions
    known = {adr.number: adr for adr in adrs}
    rows = "".join(
        f"<tr><td>{adr.number:04d}</td><td>{_link(adr, place, html.escape(adr.title))}</td>"
        f'<td><span class="rd-badge rd-badge--{adr.status}">{adr.status}</span>{_relations(adr, known, place)}</td>'
        f"<td>{adr.date:%Y-%m-%d}</td></tr>"
        for adr in adrs
    )
    head = "".join(f'<th scope="col">{cell}</th>' for cell in ("No.", "Decision", "Status", "Date"))
    return (
        '<div class="rd-table rd-adrs" tabindex="0" role="group" aria-label="Decisions"><table class="rd-grid">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _link(adr: Adr, place: Place, text: str) -> str:
    return f'<a href="{place.link(adr.path.removeprefix("docs/"))}">{text}</a>'


def _relations(adr: Adr, known: Mapping[int, Adr], place: Place) -> str:
    parts = [
        f"{word} {', '.join(_link(known[n], place, f'{n:04d}') for n in numbers if n in known)}"
        for word, numbers in (("by", adr.superseded_by), ("replaces", adr.supersedes))
        if numbers
    ]
    return f' <span class="rd-adrs__relation">{"; ".join(parts)}</span>' if parts else ""


fence = as_fence(render)
