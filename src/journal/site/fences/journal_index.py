"""The journal-index fence, every week by month with the newest first, and the this-week fence of the home page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.site.fences import markup
from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.templates import fill
from journal.site.fences.week_pages import WeekPage, week_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place


def entry(week: WeekPage, place: Place, *, newest: bool) -> dict[str, Any]:
    """Return what is shown of one week: its title, its days, its one line."""
    line = markup.render(week.line, place, folder=f"docs/{week.page.rpartition('/')[0]}") if week.line else ""
    return {"href": place.link(week.page), "title": week.title, "days": week.days, "newest": newest, "line": line}


def render(_options: Mapping[str, Any], place: Place) -> str:
    """Return all weeks."""
    weeks = week_pages(place.library)
    return fill("weeks.html", weeks=[entry(week, place, newest=week == weeks[-1]) for week in reversed(weeks)])


def render_newest(_options: Mapping[str, Any], place: Place) -> str:
    """Return the newest week."""
    weeks = week_pages(place.library)
    if not weeks:
        raise FenceError("there is no week; write docs/journal/month-NN/week-NN.md, or run `journal new week`")
    return fill("weeks.html", weeks=[entry(weeks[-1], place, newest=True)])


fence = as_fence(render)
this_week = as_fence(render_newest)
