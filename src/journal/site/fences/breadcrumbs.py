"""The breadcrumbs fence: the way from a week to its index and the roadmap, and from one week to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.site.fences.fence import as_fence
from journal.site.fences.week_pages import week_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown

    from journal.site.fences.place import Place


def render(_options: Mapping[str, Any], place: Place, _md: Markdown | None = None) -> str:
    """Return the trail for the page it stands on: a week, the journal's index or the roadmap."""
    weeks = week_pages(place.library)
    index = f'<a href="{place.link("journal/index.md")}">Journal index</a>'
    roadmap = f'<a href="{place.link("roadmap.md")}">Roadmap</a>'
    here = next((week for week in weeks if week.page == place.page), None)
    side = ""
    if here is not None:
        at = weeks.index(here)
        name = "this week" if here == weeks[-1] else f"week {here.week.week}"
        trail = [index, f'{roadmap} &rsaquo; <a href="{place.link(f"roadmap.md#{here.anchor}")}">{name}</a>']
        before = weeks[at - 1] if at else None
        after = weeks[at + 1] if at + 1 < len(weeks) else None
        steps = [
            f'<a href="{place.link(week.page)}">{arrow} {week.title}</a>'
            for week, arrow in ((before, "←"), (after, "→"))
            if week
        ]
        side = f'<span class="rd-trail__side">{" ".join(steps)}</span>' if steps else ""
    else:
        trail = [roadmap if place.page == "journal/index.md" else index]
        if weeks:
            trail.append(f'<a href="{place.link(weeks[-1].page)}">This week: {weeks[-1].title}</a>')
    return f'<nav class="rd-trail" aria-label="Breadcrumbs">{" · ".join(trail)}{side}</nav>'


fence = as_fence(render)
