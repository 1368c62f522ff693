"""The map for learners names every lesson once, and the minutes that the lesson itself says."""

import re
from pathlib import Path

from journal.content.lesson_rules import head
from journal.content.pages import read_page

ROOT = Path(__file__).parents[2]
LESSONS = ROOT / "docs" / "lessons"


def rows():
    text = (LESSONS / "index.md").read_text()
    return re.findall(r"^\| \d+ \| \**\[[^\]]+\]\(([\w-]+\.md)\)\** \| (\d+) \|", text, re.MULTILINE)


def test_minutes_are_those_of_the_lesson():
    said = {name: head(read_page(LESSONS / name, ROOT)[0]).get("Time") for name, _ in rows()}
    listed = {name: f"{minutes} minute{'s' if minutes != '1' else ''}." for name, minutes in rows()}
    # A page that has no head yet is named by the test of lessons.
    assert {name: time for name, time in listed.items() if said[name]} == {n: time for n, time in said.items() if time}


def test_every_lesson_is_on_the_way_once():
    pages = [path.name for path in LESSONS.glob("day-*.md") if "overview: true" not in path.read_text()]
    assert sorted(pages) == sorted(name for name, _ in rows())
