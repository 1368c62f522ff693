"""Lists of pages, found by looking: lessons, recall pages, exercises, notebooks, decks. A new file is a new entry."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from journal.site.fences.fence import as_fence
from journal.site.fences.templates import fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from journal.site.fences.place import Place


def _list(entries: Iterable[tuple[str, str, str]]) -> str:
    """Return a list of (href, title, description); titles and descriptions are plain text."""
    return fill("list.html", entries=list(entries))


def _folder(folder: str, place: Place) -> list[tuple[str, str, str]]:
    found = []
    for page in place.library.pages(folder):
        path = PurePosixPath(page.path)
        if path.name == "index.md" or path.parent.name != folder:
            continue
        title = (page.front.text("title") if page.front else "") or (
            page.headings[0].text if page.headings else path.stem
        )
        text = page.front.text("description") if page.front else ""
        found.append((place.link(f"{folder}/{path.name}"), title, text))
    return found


def render_lessons(_options: Mapping[str, Any], place: Place) -> str:
    """Return the lessons by day."""
    entries = []
    for lesson in place.library.lessons:
        title = re.sub(r"^Day \d+\s*[:·-]?\s*", "", lesson.title) or lesson.path
        entries.append(
            (place.link(lesson.path.removeprefix("docs/")), f"Day {lesson.day}: {title}", lesson.description)
        )
    return _list(entries)


def render_recall(_options: Mapping[str, Any], place: Place) -> str:
    """Return the recall pages."""
    return _list(_folder("recall", place))


def render_pages(options: Mapping[str, Any], place: Place) -> str:
    """Return the pages of one folder of `docs/`."""
    return _list(_folder(str(options.get("folder", place.page.rpartition("/")[0])), place))


def render_exercises(_options: Mapping[str, Any], place: Place) -> str:
    """Return the exercises, in the order that the course declares."""
    order = [exercise.slug for exercise in place.library.exercises]
    slug_of = {place.link(f"exercises/{slug}.md"): slug for slug in order}
    found = _folder("exercises", place)
    return _list(sorted(found, key=lambda entry: order.index(slug_of[entry[0]]) if entry[0] in slug_of else len(order)))


def render_notebooks(_options: Mapping[str, Any], place: Place) -> str:
    """Return the notebooks, each with its first sentence."""
    return _list(
        (place.link(f"notebooks/{path.name}"), *notebook_title(path))
        for path in sorted((place.root / "notebooks").glob("*.ipynb"))
    )


def notebook_title(path: Path) -> tuple[str, str]:
    """Return a notebook's heading and the first sentence below it, as plain text."""
    cells = json.loads(path.read_text(encoding="utf-8")).get("cells", [])
    text = next(("".join(cell["source"]) for cell in cells if cell.get("cell_type") == "markdown"), "")
    lines = [re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", line).strip() for line in text.splitlines()]
    title = next((line.lstrip("# ") for line in lines if line.startswith("#")), path.stem)
    rest = " ".join(line for line in lines if line and not line.startswith("#"))
    return title, re.split(r"(?<=[.!?])\s", rest, maxsplit=1)[0]


def render_decks(_options: Mapping[str, Any], place: Place) -> str:
    """Return the decks with the number of their cards."""
    return _list(
        (
            place.link(f"quizzes/{deck.topic}.md"),
            deck.title,
            f"{len(deck.cards)} {'card' if len(deck.cards) == 1 else 'cards'}",
        )
        for deck in place.library.decks.all
    )


lessons = as_fence(render_lessons)
recall = as_fence(render_recall)
pages = as_fence(render_pages, "folder")
exercises = as_fence(render_exercises)
notebooks = as_fence(render_notebooks)
decks = as_fence(render_decks)
