"""The navigation: a new page is in it by being there."""

from __future__ import annotations

from journal.content.library import library
from journal.content.repository import find_root
from journal.site.navigation import navigation


def section(nav, title):
    return next(item[title] for item in nav if title in item)


def test_every_page_of_the_journal_is_in_the_navigation_once(journal_site):
    nav = navigation(journal_site.path)
    text = str(nav)
    docs = journal_site.path / "docs"
    for page in docs.rglob("*.md"):
        assert text.count(f"'{page.relative_to(docs).as_posix()}'") == 1


def test_new_pages_need_nothing_but_their_file(journal_site):
    for name in (
        "docs/journal/month-05/week-05.md",
        "docs/journal/month-06/week-01.md",
        "docs/lessons/day-141-logs.md",
        "docs/exercises/tracing.md",
        "docs/quizzes/tracing.md",
        "docs/adr/0005-words.md",
        "docs/recall/error-chains.md",
        "docs/recall/index.md",
        "docs/reference/keys.md",
        "docs/somewhere/else.md",
        "docs/somewhere/index.md",
        "notebooks/lab.ipynb",
    ):
        journal_site.write(name, "# New\n")
    nav = navigation(journal_site.path)
    journal = section(nav, "Journal")
    assert journal == [
        "journal/index.md",
        "roadmap.md",
        {"Month 6": ["journal/month-06/week-01.md"]},
        {"Month 5": ["journal/month-05/week-05.md", "journal/month-05/week-04.md"]},
    ]
    assert section(nav, "Lessons")[-1] == {"Recall": ["recall/index.md", "recall/error-chains.md"]}
    assert "lessons/day-141-logs.md" in section(nav, "Lessons")
    assert section(nav, "Exercises") == ["exercises/backoff.md", "exercises/tracing.md"]
    assert section(nav, "Cards") == ["quizzes/index.md", "due.md", "quizzes/backoff.md", "quizzes/tracing.md"]
    assert section(nav, "Decisions")[-1] == "adr/0005-words.md"
    assert section(nav, "Notebooks") == ["notebooks/lab.ipynb"]
    assert nav[-2:] == ["somewhere/else.md", "somewhere/index.md"]


def test_exercises_stand_in_the_order_that_the_course_declares():
    exercises = section(navigation(find_root()), "Exercises")
    declared = [f"exercises/{exercise.slug}.md" for exercise in library(find_root()).exercises]
    assert declared != sorted(declared), "the order must differ from the alphabet, or this test can't fail"
    assert exercises == ["exercises/index.md", *declared]
