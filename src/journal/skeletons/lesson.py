"""A lesson: what goes wrong without it, the idea, what still goes wrong, cards, sources."""

from __future__ import annotations

import json

from journal.skeletons.files import words


def lesson_files(day: int, title: str, exercise: str | None, deck: str | None) -> dict[str, str]:
    """Return the file of the lesson of `day`; `exercise` and `deck` must exist where they are given."""
    name = f"Day {day}: {title}"
    links = (f"exercise: {exercise}\n" if exercise else "") + (f"deck: {deck}\n" if deck else "")
    cards = f"## Cards {{#cards}}\n\n```cards\ntopic: {deck}\n```\n\n" if deck else ""
    return {
        f"docs/lessons/day-{day:03}-{words(title)}.md": f"""\
---
title: {json.dumps(name, ensure_ascii=False)}
description: {json.dumps(f"{title}: what it is for, and what goes wrong without it.", ensure_ascii=False)}
day: {day}
{links}adrs: []
---

# {name}

## What it costs to leave it out {{#problem}}

<!-- A scene from production, with numbers. -->

## The idea {{#idea}}

<!-- A statement that can be shown ends with its test: Proof: `tests/course/lessons/test_x.py::test_y` -->

## What goes wrong {{#what-goes-wrong}}

{cards}## Related {{#chain}}

<!-- Sections, exercise steps, decisions and cards; nothing here is typed. -->

```chain
```

## Sources {{#sources}}
"""
    }
