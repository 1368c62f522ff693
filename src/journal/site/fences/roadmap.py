"""The roadmap fence: what is done, what is now, what is next.

Its settings name the places; the state of each follows from the newest week that has a page, so a new week moves the
roadmap by being there:

    ```roadmap
    places:
      - place: Month 3
        month: 3
        what: Concurrency, worker pools, channels with one owner
        read: recall/closed-channels.md
    ```

`month` may be a fraction, for days that lie between months; it orders the entries and decides their state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from journal.site.fences import markup
from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.templates import Link, fill
from journal.site.fences.week_pages import week_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place
    from journal.site.fences.week_pages import WeekPage

_KEYS = {"place", "month", "what", "read"}


def render(options: Mapping[str, Any], place: Place) -> str:
    """Return the places in order, each with its state and, under it, the weeks that have a page."""
    entries = _entries(options)
    weeks = week_pages(place.library)
    now = weeks[-1].week.month if weeks else 0
    known = {entry["month"] for entry in entries}
    entries += [
        {"place": f"Month {m}", "month": m, "what": "", "read": []} for m in {w.week.month for w in weeks} - known
    ]
    entries.sort(key=lambda entry: float(entry["month"]))
    stops = [
        {
            "place": str(entry["place"]),
            "state": "now" if entry["month"] == now else "done" if entry["month"] < now else "next",
            "what": markup.render(str(entry["what"]), place, folder="docs") if entry["what"] else "",
            "read": [_reading(str(target), place) for target in entry["read"]],
            "weeks": [
                _week(week, place, newest=week == weeks[-1]) for week in weeks if week.week.month == entry["month"]
            ],
        }
        for entry in entries
    ]
    return fill("roadmap.html", stops=stops)


def _entries(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for entry in options.get("places") or []:
        if not isinstance(entry, dict) or not {"place", "month", "what"} <= entry.keys() <= _KEYS:
            raise FenceError(f"a place has place, month, what and perhaps read; got {yaml.safe_dump(entry).strip()!r}")
        if not isinstance(entry["month"], int | float):
            raise FenceError(f"month must be a number, got {entry['month']!r}")
        read = entry.get("read") or []
        found.append({**entry, "read": read if isinstance(read, list) else [read]})
    return found


def _week(week: WeekPage, place: Place, *, newest: bool) -> dict[str, Any]:
    name = f"Week {week.week.week}"
    return {"anchor": week.anchor, "href": place.link(week.page), "name": name, "days": week.days, "newest": newest}


def _reading(target: str, place: Place) -> Link:
    page = place.library.page(f"docs/{target}")
    return Link(place.link(target), page.headings[0].text if page and page.headings else target)


fence = as_fence(render, "places")
