"""A weekly review as the indexes show it: its place, its page, its one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from journal.content.library import Library
    from journal.content.weeks import Week


@dataclass(frozen=True, slots=True)
class WeekPage:
    """One week. `page` is relative to `docs/`; `line` is the Markdown under "The week in one line", "" without one."""

    week: Week
    page: str
    line: str

    @property
    def title(self) -> str:
        """As `Month 5 · Week 4`."""
        return f"Month {self.week.month} · Week {self.week.week}"

    @property
    def days(self) -> str:
        """As `Days 134 to 140`."""
        return f"Days {self.week.first_day} to {self.week.last_day}"

    @property
    def anchor(self) -> str:
        """The week's anchor on the roadmap."""
        return f"month-{self.week.month}-week-{self.week.week}"


def week_pages(library: Library) -> list[WeekPage]:
    """Return all weeks, oldest first. A week whose front matter is faulty is left out; the content check names it."""
    return [WeekPage(week, week.path.removeprefix("docs/"), _one_line(library, week.path)) for week in library.weeks]


def _one_line(library: Library, path: str) -> str:
    page = library.page(path)
    assert page is not None
    start = next((heading.line for heading in page.headings if "one line" in heading.text.lower()), None)
    if start is None:
        return ""
    paragraph: list[str] = []
    for number, text in page.body:
        if number <= start:
            continue
        if text.strip():
            paragraph.append(text.strip())
        elif paragraph:
            break
    return " ".join(paragraph)
