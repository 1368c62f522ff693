"""A weekly review with every section, its place worked out from the latest week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.week.markers import BEGIN, END

if TYPE_CHECKING:
    from journal.content.weeks import Place


def week_files(place: Place) -> dict[str, str]:
    """Return the file of the weekly review at `place`."""
    name = f"Month {place.month} · Week {place.week}"
    days = "\n".join(f"| {day} | | |" for day in range(place.first_day, place.last_day + 1))
    return {
        f"docs/journal/month-{place.month:02}/week-{place.week:02}.md": f"""\
---
title: {name}
description: Days {place.first_day} to {place.last_day}.
month: {place.month}
week: {place.week}
days: [{place.first_day}, {place.last_day}]
dates: [{place.dates[0]}, {place.dates[1]}]
# Hours worked, days with work, exercises solved, commits, mean confidence from 1 to 5 (empty until it is stated).
hours: 0
days_hit: 0
exercises: 0
commits: 0
confidence:
---

# Weekly review: {name} (Days {place.first_day} to {place.last_day})

```breadcrumbs
```

## The week in one line

## Completed

| Day | What | Lesson |
| --- | --- | --- |
{days}

## Lessons learned

<!-- Each lesson is a list item that ends with the test that shows it:
Proof: `tests/course/lessons/test_x.py::test_y` -->

## Strengths: what clicked

## Weaknesses: what is still fuzzy

## Spaced repetition: earlier weeks, asked again

## Action items

## Next week's goals

## Metrics

```metrics
```

## From the record

{BEGIN}

Nothing is filled in yet: `journal week fill` writes here what the history and git know of these days.

{END}

## Suggested commit

```text
docs(journal): review month {place.month}, week {place.week}
```
"""
    }
