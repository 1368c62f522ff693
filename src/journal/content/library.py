"""All content of the journal, read once per process: `library().decks`, `.lessons`, `.links` and so on.

Each part is read when it is first used, and kept. `library()` compares the size and time of every file below `docs/`
and `exercises/`, which takes a few milliseconds, and starts again when one has changed. A file that hasn't changed is
not parsed again. Between `hold()` and `release()` it doesn't compare: a build asks a thousand times and must see one
state.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from journal.content.cards.reading import read_decks
from journal.content.claims import Claim, claims_in
from journal.content.decisions import Adr, read_adrs
from journal.content.exercises import Exercise, find_exercises
from journal.content.lessons import Lesson, read_lessons, read_recall
from journal.content.links.links import Chain, read_chain
from journal.content.pages import Page, read_page
from journal.content.repository import find_root
from journal.content.settings import Course, Settings, read_course, read_settings
from journal.content.weeks import Week, read_weeks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.content.cards import Decks
    from journal.content.problems import Problem

_READ = ("docs", "exercises", "pyproject.toml")
_SUFFIXES = (".md", ".yml", ".py", ".toml")
_State = tuple[tuple[str, int, int], ...]


class Library:
    """The content of the journal in the folder `root`, as it was when each part was first used.

    `problems` lists what is wrong with a file; you can still use the rest of the file, and every other file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def page(self, path: str) -> Page | None:
        """Return the Markdown page at `path`, relative to the root; None if there is none."""
        file = self.root / path
        return read_page(file, self.root)[0] if file.is_file() else None

    def pages(self, folder: str = "") -> list[Page]:
        """Return the pages below `docs/`, or below one folder of it, by path."""
        return [read_page(file, self.root)[0] for file in sorted((self.root / "docs" / folder).rglob("*.md"))]

    def pages_and_faults(self) -> list[tuple[Page, list[Problem]]]:
        """Return the pages below `docs/` by path, each with what is wrong with its front matter."""
        return [read_page(file, self.root) for file in sorted((self.root / "docs").rglob("*.md"))]

    @property
    def settings(self) -> Settings:
        """What the journal declares of itself."""
        return self._settings[0]

    @property
    def courses(self) -> dict[str, Course]:
        """What each exercise declares of itself, by slug."""
        return self._courses[0]

    @property
    def decks(self) -> Decks:
        """Every deck, without the cards that have a fault."""
        return self._decks[0]

    @property
    def decisions(self) -> list[Adr]:
        """Every decision by number."""
        return self._decisions[0]

    @property
    def weeks(self) -> list[Week]:
        """Every weekly review in order, without those whose front matter has a fault."""
        return self._weeks[0]

    @property
    def lessons(self) -> list[Lesson]:
        """Every lesson by day."""
        return self._lessons[0]

    @property
    def recall(self) -> list[Lesson]:
        """Every recall page."""
        return self._recall[0]

    @cached_property
    def exercises(self) -> list[Exercise]:
        """Every exercise, in the order in which they are done."""
        return find_exercises(self.root, self.courses)

    @cached_property
    def claims(self) -> list[Claim]:
        """Every claim of a page that names a proof."""
        return [claim for page in self.pages() for claim in claims_in(page)]

    @cached_property
    def links(self) -> Chain:
        """How steps, headings, decisions and cards lead to each other."""
        return read_chain(self)

    @cached_property
    def problems(self) -> list[Problem]:
        """What is wrong with single files; what they name and is not there is not among it."""
        parts = (self._settings, self._courses, self._decks, self._decisions, self._weeks, self._lessons, self._recall)
        return [problem for _, problems in parts for problem in problems]

    @cached_property
    def deck_problems(self) -> list[Problem]:
        """What is wrong with the decks alone."""
        return self._decks[1]

    @cached_property
    def week_problems(self) -> list[Problem]:
        """What is wrong with the weekly reviews alone."""
        return self._weeks[1]

    @cached_property
    def _settings(self) -> tuple[Settings, list[Problem]]:
        return read_settings(self.root)

    @cached_property
    def _courses(self) -> tuple[dict[str, Course], list[Problem]]:
        courses: dict[str, Course] = {}
        problems: list[Problem] = []
        for folder in sorted((self.root / "exercises").glob("*/")):
            if (folder / "README.md").is_file():
                courses[folder.name], faults = read_course(self.root, folder.name)
                problems += faults
        return courses, problems

    @cached_property
    def _decks(self) -> tuple[Decks, list[Problem]]:
        return read_decks(self.root)

    @cached_property
    def _decisions(self) -> tuple[list[Adr], list[Problem]]:
        return read_adrs(self.root)

    @cached_property
    def _weeks(self) -> tuple[list[Week], list[Problem]]:
        return read_weeks(self.root, self.settings)

    @cached_property
    def _lessons(self) -> tuple[list[Lesson], list[Problem]]:
        return read_lessons(self.root)

    @cached_property
    def _recall(self) -> tuple[list[Lesson], list[Problem]]:
        return read_recall(self.root)


_known: dict[Path, tuple[_State, Library]] = {}
_held: dict[Path, Library] = {}


def library(root: Path | None = None) -> Library:
    """Return the present content of the journal in `root`; without `root`, of the journal around the working folder.

    Raises:
        NoRepositoryError: there is no journal.
    """
    root = root or find_root()
    if root in _held:
        return _held[root]
    state = tuple(sorted(_files(root)))
    known = _known.get(root)
    if known is None or known[0] != state:
        known = _known[root] = (state, Library(root))
    return known[1]


def hold(root: Path) -> Library:
    """Read what has changed, and let `library(root)` return that same content until `release(root)`."""
    release(root)
    _held[root] = library(root)
    return _held[root]


def release(root: Path) -> None:
    """Let `library(root)` look at the files again."""
    _held.pop(root, None)


def release_all() -> None:
    """Let `library()` look at the files of every journal again."""
    _held.clear()


def _files(root: Path) -> Iterator[tuple[str, int, int]]:
    waiting = [str(root / name) for name in _READ]
    while waiting:
        name = waiting.pop()
        if name.endswith(_SUFFIXES):
            with suppress(FileNotFoundError):  # an editor may have moved it since
                stat = os.stat(name)  # noqa: PTH116  (a Path for each of a thousand files would take most of the time)
                yield name, stat.st_mtime_ns, stat.st_size
        elif os.path.isdir(name):  # noqa: PTH112
            waiting += [entry.path for entry in os.scandir(name) if entry.is_dir() or entry.name.endswith(_SUFFIXES)]
