"""The breadcrumbs fence: the way from a week to its index and the roadmap, and from one week to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.site.fences.fence import as_fence
from journal.site.fences.templates import fill
from journal.site.fences.week_pages import week_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place


def render(_options: Mapping[str, Any], place: Place) -> str:
    """Return the trail for the page it stands on: a week, the journal's index or the roadmap."""
    weeks = week_pages(place.library)
    index = {"href": place.link("journal/index.md"), "text": "Journal index", "below": False}
    roadmap = {"href": place.link("roadmap.md"), "text": "Roadmap", "below": False}
    here = next((week for week in weeks if week.page == place.page), None)
    if here is None:
        trail = [roadmap if place.page == "journal/index.md" else index]
        if weeks:
            newest = f"This week: {weeks[-1].title}"
            trail.append({"href": place.link(weeks[-1].page), "text": newest, "below": False})
        return fill("breadcrumbs.html", trail=trail, side=[])
    at = weeks.index(here)
    name = "this week" if here == weeks[-1] else f"week {here.week.week}"
    week = {"href": place.link(f"roadmap.md#{here.anchor}"), "text": name, "below": True}
    neighbours = ((weeks[at - 1] if at else None, "←"), (weeks[at + 1] if at + 1 < len(weeks) else None, "→"))
    side = [{"href": place.link(week.page), "text": f"{arrow} {week.title}"} for week, arrow in neighbours if week]
    return fill("breadcrumbs.html", trail=[index, roadmap, week], side=side)


fence = as_fence(render)
