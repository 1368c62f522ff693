"""The journal-index fence, every week by month with the newest first, and the this-week fence of the home page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.site.fences import markup
from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.week_pages import WeekPage, week_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown

    from journal.site.fences.place import Place


def entry(week: WeekPage, place: Place, *, newest: bool) -> str:
    """Return one week: its title, its days, its one line."""
    mark = '<span class="rd-badge rd-badge--now">this week</span>' if newest else ""
    line = markup.render(week.line, place, folder=f"docs/{week.page.rpartition('/')[0]}") if week.line else ""
    return (
        f'<div class="rd-week"><p class="rd-week__title"><a href="{place.link(week.page)}">{week.title}</a> '
        f'<span class="rd-week__days">{week.days}</span> {mark}</p>{line}</div>'
    )


def render(_options: Mapping[str, Any], place: Place, _md: Markdown | None = None) -> str:
    """Return all weeks."""
    weeks = week_pages(place.library)
    return "\n".join(entry(week, place, newest=week == weeks[-1]) for week in reversed(weeks))


def render_newest(_options: Mapping[str, Any], place: Place, _md: Markdown | None = None) -> str:
    """Return the newest week."""
    weeks = week_pages(place.library)
    if not weeks:
        raise FenceError("there is no week; write docs/journal/month-NN/week-NN.md, or run `journal new week`")
    return entry(weeks[-1], place, newest=True)


fence = as_fence(render)
this_week = as_fence(render_newest)
