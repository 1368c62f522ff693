"""Weekly reviews: `docs/journal/month-MM/week-NN.md`, whose front matter holds the week's place and its figures."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from journal.content.marked_yaml import Fields, Items, Text
from journal.content.pages import read_page
from journal.content.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from journal.content.pages import Page
    from journal.content.settings import Settings

_PLACE = re.compile(r"docs/journal/month-(\d\d)/week-(\d\d)\.md")


@dataclass(frozen=True, slots=True)
class Metrics:
    """A week's figures.

    Attributes:
        hours: worked, 0 to 168.
        days_hit: days with work, 0 to 7.
        exercises: solved.
        commits: made.
        confidence: mean over topics, 1 to 5; None when it was not stated.
    """

    hours: float
    days_hit: int
    exercises: int
    commits: int
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Week:
    """One weekly review.

    `first_day` and `last_day` count from the journal's first day, which is 1; `dates` are the same days in the
    calendar, None where the review does not say them.
    """

    month: int
    week: int
    first_day: int
    last_day: int
    metrics: Metrics
    title: str
    path: str
    dates: tuple[date, date] | None = None

    @property
    def days(self) -> int:
        """How many days it has."""
        return self.last_day - self.first_day + 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a week stands: month, week in the month, its first and last day, the same days in the calendar."""

    month: int
    week: int
    first_day: int
    last_day: int
    dates: tuple[date, date]


def next_place(weeks: list[Week], today: date, settings: Settings) -> Place:
    """Return the place after the latest of `weeks`; Month 1 · Week 1 when there is none.

    Its dates follow those of the latest week; where that has none, they begin on the Monday before or on `today`.
    """
    days = settings.days_a_week
    latest = weeks[-1] if weeks else None
    if latest is not None and latest.dates is not None:
        monday = latest.dates[1] + timedelta(days=1)
    else:
        monday = today - timedelta(days=today.weekday())
    dates = (monday, monday + timedelta(days=days - 1))
    if latest is None:
        return Place(1, 1, 1, days, dates)
    month, week = (latest.month, latest.week + 1) if latest.week < settings.weeks_a_month else (latest.month + 1, 1)
    return Place(month, week, latest.last_day + 1, latest.last_day + days, dates)


def read_weeks(root: Path, settings: Settings) -> tuple[list[Week], list[Problem]]:
    """Return every weekly review in order, and all problems of their front matter."""
    weeks: list[Week] = []
    problems: list[Problem] = []
    for path in sorted((root / "docs" / "journal").glob("*/week-*.md")):
        page, faults = read_page(path, root)
        reader = _WeekReader(page, settings.days_a_week)
        week = reader.read()
        problems += faults if page.front is None and faults else faults + reader.problems
        if week:
            weeks.append(week)
    weeks.sort(key=lambda week: (week.month, week.week))
    for earlier, later in itertools.pairwise([week for week in weeks if week.dates]):
        if earlier.dates and later.dates and later.dates[0] <= earlier.dates[1]:
            problems.append(
                Problem(
                    later.path,
                    1,
                    f"the week begins on {later.dates[0]}, and {earlier.path} ends on {earlier.dates[1]}; "
                    "correct `dates`",
                )
            )
    for earlier, later in itertools.pairwise(weeks):
        if later.first_day <= earlier.last_day:
            problems.append(
                Problem(
                    later.path,
                    1,
                    f"the week begins on day {later.first_day}, and {earlier.path} ends on day {earlier.last_day}; "
                    "correct `days`",
                )
            )
    return weeks, problems


class _WeekReader:
    def __init__(self, page: Page, days_a_week: int) -> None:
        self.page = page
        self.days_a_week = days_a_week
        self.front = page.front or Fields({}, {}, 1)
        nested = self.front.values.get("metrics")
        self.figures = nested if isinstance(nested, Fields) else self.front
        self.problems: list[Problem] = []

    def report(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.page.path, line, message))

    def read(self) -> Week | None:
        place = _PLACE.fullmatch(self.page.path)
        if not place:
            self.report(0, "a weekly review lies at docs/journal/month-MM/week-NN.md; move it there")
            return None
        month = self.whole("month", 1, 99, self.front)
        week = self.whole("week", 1, 5, self.front)
        if not self.problems and (month, week) != (int(place[1]), int(place[2])):
            self.report(
                self.front.line_of("month"),
                f"the front matter says month {month}, week {week}; its path says otherwise",
            )
        first, last = self.days()
        dates = self.dates()
        metrics = Metrics(
            hours=self.number("hours", 0, 168),
            days_hit=self.days_hit(last - first + 1),
            exercises=self.whole("exercises", 0, 10_000, self.figures),
            commits=self.whole("commits", 0, 100_000, self.figures),
            confidence=self.number("confidence", 1, 5) if self.figures.text("confidence") else None,
        )
        if self.problems:
            return None
        return Week(month, week, first, last, metrics, self.front.text("title"), self.page.path, dates)

    def days(self) -> tuple[int, int]:
        node = self.front.values.get("days")
        texts = [item.value for item in node.values if isinstance(item, Text)] if isinstance(node, Items) else []
        if len(texts) != 2 or not all(text.isdecimal() for text in texts) or not 1 <= int(texts[0]) <= int(texts[1]):
            self.report(self.front.line_of("days"), "days must be the first and the last day's number, as [134, 140]")
            return 1, self.days_a_week
        first, last = int(texts[0]), int(texts[1])
        if last - first + 1 != self.days_a_week:
            self.report(
                self.front.line_of("days"),
                f"days {first} to {last} are {last - first + 1} days, and a week has {self.days_a_week}",
            )
        return first, last

    def dates(self) -> tuple[date, date] | None:
        node = self.front.values.get("dates")
        if node is None:
            return None
        texts = [item.value for item in node.values if isinstance(item, Text)] if isinstance(node, Items) else []
        try:
            first, last = (date.fromisoformat(text) for text in texts)
        except ValueError:
            first = last = date.min
        if (last - first).days + 1 != self.days_a_week:
            self.report(
                self.front.line_of("dates"),
                f"dates must be the first and the last of {self.days_a_week} days, as [2026-11-23, 2026-11-29]",
            )
            return None
        return first, last

    def days_hit(self, days: int) -> int:
        text = self.figures.text("days_hit")
        match = re.fullmatch(r"(\d+)(?:\s*/\s*(\d+))?", text)
        if not match or int(match[1]) > days or (match[2] and int(match[2]) != days):
            self.report(
                self.figures.line_of("days_hit"),
                f"days_hit is {text!r}; write how many of {days} days, as 7 or 7/{days}",
            )
            return 0
        return int(match[1])

    def whole(self, key: str, low: int, high: int, fields: Fields) -> int:
        text = fields.text(key)
        if not text.isdecimal() or not low <= int(text) <= high:
            self.report(fields.line_of(key), f"{key} is {text!r}; it is a whole number from {low} to {high}")
            return low
        return int(text)

    def number(self, key: str, low: float, high: float) -> float:
        text = self.figures.text(key)
        if not re.fullmatch(r"\d+(?:\.\d+)?", text) or not low <= float(text) <= high:
            self.report(self.figures.line_of(key), f"{key} is {text!r}; it is a number from {low:g} to {high:g}")
            return low
        return float(text)
