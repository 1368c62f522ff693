"""What a journal declares: `[tool.journal]` in pyproject.toml, and `exercises/<slug>/course.toml`.

CONTRIBUTING lists the keys for keepers. Every key has a default, so both may be missing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from journal.content.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

FILE = "pyproject.toml"
TABLE = "tool.journal"
COURSE = "course.toml"

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the whole journal.

    Attributes:
        name: begins the keys of a browser's storage, the ids of Anki's notes and the names of files; changing it loses
            sight of what readers have stored.
        title: as people call it.
        days_a_week: what a weekly review covers.
        weeks_a_month: how many weekly reviews make a month.
        commands: command lines by name; each prints what a page shows about another package.
    """

    name: str = "journal"
    title: str = "Journal"
    days_a_week: int = 7
    weeks_a_month: int = 4
    commands: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Demand:
    """A mistake that must be among an exercise's wrong solutions.

    Attributes:
        mistake: what it is, after "a wrong solution that is".
        says: texts of which the message of at least one wrong solution holds one.
    """

    mistake: str
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What one version of an exercise changed.

    Attributes:
        version: the version that it made, from 2.
        what: what a learner must know who wrote code for the version before; a clause that begins in lower case.
        steps: for each step number of the version before that meant something else, the numbers that mean the same
            now: two or more if the step was split, none if it is gone. Numbers that are not listed stayed the same.
    """

    version: int
    what: str
    steps: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Course:
    """What `course.toml` declares about one exercise.

    Attributes:
        order: its place among the exercises; those without one come last, by slug.
        graded_against: the exercise whose solutions grade the learner's tests; None where the learner writes code.
        packages: what its tests import and the grading engine does not, for the page; each must be pure Python.
        demands: mistakes that must be among its wrong solutions.
        version: counts the versions of its stub and steps, from 1; each run in the history records it.
        changes: what each version from 2 on changed, in their order.
    """

    order: int | None = None
    graded_against: str | None = None
    packages: tuple[str, ...] = ()
    demands: tuple[Demand, ...] = ()
    version: int = 1
    changes: tuple[Change, ...] = ()


# How a value is read: it returns the value, or raises ValueError with what it must be.
_Rule: TypeAlias = Callable[[Any], Any]


def read_settings(root: Path) -> tuple[Settings, list[Problem]]:
    """Return what pyproject.toml declares, and its problems; a faulty key gets its default."""
    data, text, problems = _load(root, FILE)
    table = data.get("tool", {}).get("journal", {})
    if not isinstance(table, dict):
        return Settings(), [Problem(FILE, 0, f"{TABLE} must be a table, `[{TABLE}]`")]
    return Settings(**_values(table, _SETTINGS, FILE, text, problems)), problems


def read_course(root: Path, slug: str) -> tuple[Course, list[Problem]]:
    """Return what `exercises/<slug>/course.toml` declares, and its problems."""
    name = f"exercises/{slug}/{COURSE}"
    data, text, problems = _load(root, name)
    return Course(**_values(data, _COURSE, name, text, problems)), problems


def _load(root: Path, name: str) -> tuple[dict[str, Any], str, list[Problem]]:
    file = root / name
    if not file.is_file():
        return {}, "", []
    text = file.read_text(encoding="utf-8")
    try:
        return tomllib.loads(text), text, []
    except tomllib.TOMLDecodeError as error:
        return {}, text, [Problem(name, 0, f"is not TOML: {error}")]


def _values(
    table: dict[str, Any], rules: Mapping[str, _Rule], name: str, text: str, problems: list[Problem]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        line = _line(text, key)
        if key not in rules:
            problems.append(Problem(name, line, f"has no key {key!r}; known are {', '.join(sorted(rules))}"))
            continue
        try:
            found[key] = rules[key](value)
        except ValueError as error:
            problems.append(Problem(name, line, f"{key} must be {error}, got {value!r}"))
    return found


def _line(text: str, key: str) -> int:
    pattern = re.compile(rf"\s*(?:{re.escape(key)}\s*=|\[+(?:[\w.-]+\.)?{re.escape(key)}\]+)")
    lines = text.splitlines()
    table = next((number for number, line in enumerate(lines) if line.startswith(f"[{TABLE}")), 0)
    return next((number for number, line in enumerate(lines, 1) if number > table and pattern.match(line)), 0)


def _word(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("lower-case words joined by '-', as 'redrive'")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\n" in value:
        raise ValueError("a text of one line")
    return value.strip()


def _whole(low: int, high: int) -> _Rule:
    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return read


def _commands(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(_NAME.fullmatch(key) for key in value):
        raise ValueError('a table of command lines by name, as `moves = "jobqueue moves --json"`')
    return {key: _text(line) for key, line in value.items()}


def _packages(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and _PACKAGE.fullmatch(name) for name in value):
        raise ValueError('a list of names of packages, as ["prometheus_client"]')
    return tuple(value)


def _slug(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9]*", value):
        raise ValueError("the slug of an exercise, as 'backoff'")
    return value


def _demands(value: Any) -> tuple[Demand, ...]:
    wanted = "a list of tables `[[demands]]`, each with mistake and says (a list of texts)"
    if not isinstance(value, list):
        raise ValueError(wanted)  # noqa: TRY004  (every rule raises this, and the caller says where)
    found = []
    for each in value:
        if not isinstance(each, dict) or each.keys() != {"mistake", "says"} or not isinstance(each["says"], list):
            raise ValueError(wanted)
        found.append(Demand(_text(each["mistake"]), tuple(_text(text) for text in each["says"])))
    return tuple(found)


def _changes(value: Any) -> tuple[Change, ...]:
    wanted = "a list of tables `[[changes]]`, each with version (2, 3, …), what and, if step numbers changed, steps"
    if not isinstance(value, list):
        raise ValueError(wanted)  # noqa: TRY004
    found = []
    for number, each in enumerate(value, 2):
        if not isinstance(each, dict) or not {"version", "what"} <= each.keys() <= {"version", "what", "steps"}:
            raise ValueError(wanted)
        if each["version"] != number:
            raise ValueError(f"{wanted}; version {number} is missing")
        found.append(Change(number, _text(each["what"]), _renumbered(each.get("steps", {}))))
    return tuple(found)


def _renumbered(value: Any) -> dict[int, tuple[int, ...]]:
    if not isinstance(value, dict) or not all(key.isdecimal() and isinstance(new, list) for key, new in value.items()):
        raise ValueError("steps a table of lists of numbers, as `steps = {3 = [3, 4], 4 = [5]}`")
    return {int(key): tuple(_whole(1, 99)(each) for each in new) for key, new in value.items()}


_SETTINGS: Mapping[str, _Rule] = {
    "name": _word,
    "title": _text,
    "days_a_week": _whole(1, 31),
    "weeks_a_month": _whole(1, 5),
    "commands": _commands,
}
_COURSE: Mapping[str, _Rule] = {
    "order": _whole(1, 999),
    "version": _whole(1, 999),
    "changes": _changes,
    "graded_against": _slug,
    "packages": _packages,
    "demands": _demands,
}
