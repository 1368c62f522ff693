"""Lessons: `docs/lessons/day-NNN-*.md`, whose front matter links exercise, deck and decisions.

A day too large for one sitting has several pages: `part: 1`, `part: 2`, … in their front matter give the order, and the
day's overview, which has no part, comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grading.steps import step_files
from journal.content.decisions import adr_numbers
from journal.content.marked_yaml import Fields, Items, Text
from journal.content.pages import read_page
from journal.content.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.content.pages import Page


@dataclass(frozen=True, slots=True)
class Lesson:
    """One page of a day; `exercises` are slugs, `decks` topics, `adrs` decision numbers.

    `part` counts a day's pages from 1; it is 0 for a day's only page, and for the overview of a day in parts.
    """

    day: int
    part: int
    title: str
    description: str
    exercises: tuple[str, ...]
    decks: tuple[str, ...]
    adrs: tuple[int, ...]
    path: str


def read_lessons(root: Path) -> tuple[list[Lesson], list[Problem]]:
    """Return every lesson by day, and each link of its front matter that leads nowhere."""
    lessons: list[Lesson] = []
    problems: list[Problem] = []
    for path in sorted((root / "docs" / "lessons").glob("day-*.md")):
        page, faults = read_page(path, root)
        lesson, more = _read(page, root, is_lesson=True)
        problems += faults if page.front is None and faults else faults + more
        lessons.append(lesson)
    return sorted(lessons, key=lambda lesson: (lesson.day, lesson.part, lesson.path)), problems


def read_recall(root: Path) -> tuple[list[Lesson], list[Problem]]:
    """Return every recall page of an earlier topic; it belongs to no day (0), and its links must lead somewhere too."""
    pages: list[Lesson] = []
    problems: list[Problem] = []
    for path in sorted((root / "docs" / "recall").glob("*.md")):
        page, faults = read_page(path, root)
        lesson, more = _read(page, root, is_lesson=False)
        problems += faults if page.front is None and faults else faults + more
        pages.append(lesson)
    return pages, problems


def _read(page: Page, root: Path, *, is_lesson: bool) -> tuple[Lesson, list[Problem]]:
    problems: list[Problem] = []
    front = page.front or Fields({}, {}, 1)

    def report(key: str, message: str) -> None:
        problems.append(Problem(page.path, front.line_of(key), message))

    for key in ("title", "description"):
        if not front.text(key):
            report(key, f"the page has no {key}; add `{key}: …` to its front matter")
    day = front.text("day")
    if is_lesson and (not day.isdecimal() or f"day-{int(day):03}-" not in page.path):
        report("day", f"day is {day!r}; write the day's number, the one in the file's name")
    part = front.text("part")
    if part and not part.isdecimal():
        report("part", f"part is {part!r}; write the page's place in its day: 1, 2, …")
    adrs, bad = adr_numbers(front, "adrs")
    for text in bad:
        report("adrs", f"adrs holds {text!r}; write decision numbers, as [3, 4]")
    lesson = Lesson(
        day=int(day) if day.isdecimal() else 0,
        part=int(part) if part.isdecimal() else 0,
        title=front.text("title"),
        description=front.text("description"),
        exercises=_names(front, "exercise"),
        decks=_names(front, "deck"),
        adrs=adrs,
        path=page.path,
    )
    for key, fault in _dead_links(lesson, root):
        report(key, fault)
    return lesson, problems


def _dead_links(lesson: Lesson, root: Path) -> Iterator[tuple[str, str]]:
    for slug in lesson.exercises:
        if not step_files(root / "exercises" / slug):
            yield "exercise", f"the page links exercise {slug!r}, and there is no exercises/{slug}/ with tests"
    for topic in lesson.decks:
        if not (root / "docs" / "quizzes" / f"{topic}.yml").is_file():
            yield "deck", f"the page links deck {topic!r}, and there is no docs/quizzes/{topic}.yml"
    for number in lesson.adrs:
        if not list((root / "docs" / "adr").glob(f"{number:04d}-*.md")):
            yield "adrs", f"the page links decision {number}, and there is no docs/adr/{number:04d}-*.md"


def _names(front: Fields, key: str) -> tuple[str, ...]:
    node = front.values.get(key)
    nodes = node.values if isinstance(node, Items) else () if node is None else (node,)
    return tuple(item.value.strip() for item in nodes if isinstance(item, Text) and item.value.strip())
