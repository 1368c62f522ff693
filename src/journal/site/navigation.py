"""The navigation, found by looking: a new week, lesson, exercise, deck, decision or notebook is one new file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.content.library import library
from journal.site.proof_pages import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# MkDocs' `nav`: a list of pages, {title: page} and {title: [...]}.
Nav = list[Any]


def navigation(root: Path, made: Iterable[str] = ()) -> Nav:
    """Return MkDocs' `nav` for the pages below `docs/`, the notebooks of `root` and the pages of proofs in `made`."""
    docs = root / "docs"
    sections: Nav = [{"Home": "index.md"}]
    months: dict[str, list[str]] = {}
    weeks = _pages(docs, "journal/*/week-*.md", newest_first=True)
    for page in sorted([*_pages(docs, "journal/*/review.md"), *weeks], key=_folder, reverse=True):
        months.setdefault(f"Month {int(page.split('/')[1].removeprefix('month-'))}", []).append(page)
    sections.append({"Journal": [*_index(docs, "journal"), *_pages(docs, "roadmap.md"), *_named(months)]})
    sections.append(
        {
            "Lessons": [
                *_index(docs, "lessons"),
                *_in_order(root, _pages(docs, "lessons/*.md")),
                *_named({"Recall": [*_index(docs, "recall"), *_pages(docs, "recall/*.md")]}),
            ]
        }
    )
    sections.append({"Exercises": [*_index(docs, "exercises"), *_exercises(root, _pages(docs, "exercises/*.md"))]})
    sections.append({"Cards": [*_index(docs, "quizzes"), *_pages(docs, "due.md"), *_pages(docs, "quizzes/*.md")]})
    notebooks = [f"notebooks/{path.name}" for path in sorted((root / "notebooks").glob("*.ipynb"))]
    sections.append({"Notebooks": [*_index(docs, "notebooks"), *notebooks]})
    sections.append({"Decisions": [*_index(docs, "adr"), *_pages(docs, "adr/**/*.md")]})
    # Its index first, which is what the section itself shows.
    proofs = sorted((page for page in made if page.endswith(".md")), key=lambda page: (page != INDEX, page))
    reference = [*_index(docs, "reference"), *_pages(docs, "reference/**/*.md"), *_named({"Proofs": proofs})]
    sections.append({"Reference": reference})
    placed = {page for section in sections for page in _leaves(section)}
    everything = sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))
    others = [page for page in everything if page not in placed and page.rpartition("/")[2] != "README.md"]
    sections += others
    return [section for section in sections if _leaves(section)]


def _index(docs: Path, folder: str) -> list[str]:
    return [f"{folder}/index.md"] if (docs / folder / "index.md").is_file() else []


def _pages(docs: Path, pattern: str, *, newest_first: bool = False) -> list[str]:
    found = (path.relative_to(docs).as_posix() for path in docs.glob(pattern))
    return sorted((page for page in found if page.rpartition("/")[2] != "index.md"), reverse=newest_first)


def _folder(page: str) -> str:
    return page.rpartition("/")[0]


def _exercises(root: Path, pages: list[str]) -> list[str]:
    """Return the exercises' pages in the order that the course declares; other pages follow, by name."""
    order = [f"exercises/{exercise.slug}.md" for exercise in library(root).exercises]
    return sorted(pages, key=lambda page: (order.index(page) if page in order else len(order), page))


def _in_order(root: Path, pages: list[str]) -> list[str]:
    """Return lessons by day and part; pages that belong to no day follow, by name."""
    order = [lesson.path.removeprefix("docs/") for lesson in library(root).lessons]
    return sorted(pages, key=lambda page: (order.index(page) if page in order else len(order), page))


def _named(groups: dict[str, list[str]]) -> Nav:
    return [{title: pages} for title, pages in groups.items() if pages]


def _leaves(item: Any) -> list[str]:
    if isinstance(item, str):
        return [item]
    if isinstance(item, dict):
        return [leaf for value in item.values() for leaf in _leaves(value)]
    return [leaf for value in item for leaf in _leaves(value)]
