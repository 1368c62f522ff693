"""Change a deck as text, so that its comments and layout stay. The result must be a valid deck."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from journal.content.cards.reading import read_deck
from journal.content.problems import ContentError, Problem

if TYPE_CHECKING:
    from datetime import date

    from journal.content.cards.model import Card, Deck


def retire(root: Path, card: Card, on: date, why: str) -> None:
    """Take `card` out of its deck and list its id under `retired:`, with the day and the reason.

    Raises:
        ContentError: editing text can't handle this deck's layout safely; the deck is unchanged.
    """
    file = root / card.path
    text = _read(file)
    before, _ = read_deck(text, card.path, card.topic)
    lines = text.splitlines(keepends=True)
    first = card.line - 1
    last = _end_of_item(lines, first)
    remaining = lines[:first] + lines[last:]
    if len(before.cards) == 1:
        remaining = [re.sub(r"^cards:[ \t]*(#.*)?$", r"cards: []", line) for line in remaining]
    entry = f"{{id: {card.id}, on: {on.isoformat()}, why: {json.dumps(why, ensure_ascii=False)}}}"
    edited = _with_retired(remaining, entry)
    after, problems = read_deck(edited, card.path, card.topic)
    kept = [old.id for old in before.cards if old.id != card.id]
    gone = {old.id for old in before.retired} | {card.id}
    if problems or [now.id for now in after.cards] != kept or {now.id for now in after.retired} != gone:
        raise ContentError(
            [
                Problem(
                    card.path,
                    card.line,
                    f"cannot retire {card.id!r} by editing this layout; nothing was changed. Move it by hand: "
                    f"delete the card and add `- {entry}` under `retired:`",
                )
            ]
        )
    replace_file(file, edited)


def add_card(text: str, item: str, path: str, topic: str) -> str:
    """Return the deck `text` with the card `item` (a YAML list item, unindented) as the last of its cards.

    Raises:
        ContentError: the result is not a valid deck.
    """
    lines = text.splitlines(keepends=True)
    lines = [re.sub(r"^cards:[ \t]*\[\][ \t]*(#.*)?$", "cards:", line) for line in lines]
    start = next((number for number, line in enumerate(lines) if re.match(r"cards:\s*(#.*)?$", line)), None)
    if start is None:
        raise ContentError([Problem(path, 0, "has no `cards:` line on its own to add a card under; add one")])
    end = _end_of_block(lines, start)
    body = lines[start + 1 : end]
    indent = next((re.match(r" *", line)[0] for line in body if line.lstrip().startswith("- ")), "  ")  # type: ignore[index]
    new = "".join(f"{indent}{line}" if line.strip() else line for line in item.splitlines(keepends=True))
    if end and not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    edited = "".join([*lines[:end], new, *lines[end:]])
    _deck, problems = read_deck(edited, path, topic)
    if problems:
        raise ContentError(problems)
    return edited


def next_id(deck: Deck) -> str:
    """Return the id `<topic>-NN` whose number follows all numbers that cards of the deck have or had."""
    pattern = re.compile(re.escape(deck.topic) + r"-(\d+)")
    used = [pattern.fullmatch(name) for name in (*(c.id for c in deck.cards), *(r.id for r in deck.retired))]
    return f"{deck.topic}-{max((int(match[1]) for match in used if match), default=0) + 1:02}"


def replace_file(file: Path, text: str) -> None:
    """Replace the content of `file` atomically: a reader sees the old or the new text, even after a crash."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(name).chmod(file.stat().st_mode if file.exists() else 0o644)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


def _read(file: Path) -> str:
    # Line ends as they are: an edit must not change those of other lines.
    with file.open(encoding="utf-8", newline="") as text:
        return text.read()


def _end_of_item(lines: list[str], first: int) -> int:
    """Return the line after the list item that begins at `first`; comments before the next item belong to that."""
    indent = len(lines[first]) - len(lines[first].lstrip(" "))
    end = first + 1
    for number in range(first + 1, len(lines)):
        line = lines[number]
        stripped = line.strip()
        depth = len(line) - len(line.lstrip(" "))
        if stripped and depth > indent:
            end = number + 1
        elif stripped and not stripped.startswith("#"):
            break
    return end


def _end_of_block(lines: list[str], start: int) -> int:
    """Return the line after the last one that belongs to the top-level key at `start`."""
    end = start + 1
    for number in range(start + 1, len(lines)):
        line = lines[number]
        if line.startswith((" ", "-")) and line.strip() and not line.strip().startswith("#"):
            end = number + 1
        elif line.strip() and not line.startswith("#") and not line.startswith(" "):
            break
    return end


def _with_retired(lines: list[str], entry: str) -> str:
    start = next((number for number, line in enumerate(lines) if line.startswith("retired:")), None)
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if start is None:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += newline
        return "".join([*lines, f"retired:{newline}", f"  - {entry}{newline}"])
    if re.match(r"retired:\s*\[\s*\]\s*(#.*)?$", lines[start]):
        lines[start] = f"retired:{newline}"
    end = _end_of_block(lines, start)
    indent = "  "
    for line in lines[start + 1 : end]:
        if line.lstrip().startswith("- "):
            indent = line[: len(line) - len(line.lstrip(" "))]
            break
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += newline
    return "".join([*lines[:end], f"{indent}- {entry}{newline}", *lines[end:]])
