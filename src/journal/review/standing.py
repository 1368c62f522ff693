"""Where every card stands, without replaying the whole history each time.

The replay of a long history is kept in a file below `.cache/`, with a digest of the bytes it was made from. As long as
the history has only grown by events that are later than all before, the kept replay goes on from there; with anything
else (an undo, a merge, other cards, another version of FSRS) everything is replayed. The file may be deleted any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from journal.content.problems import Problem
from journal.review.history import read_events
from journal.review.schedule import CardState, replay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from journal.content.cards import Decks
    from journal.review.history import Event, History, Renumbering

CACHE = ".cache/standing.json"
# Replaying fewer takes no longer than reading what is kept.
WORTH_KEEPING = 1000
# Each new event's id is looked for in all that came before.
MOST_NEW = 200
# Raise it when the same history is to give other states than before.
_FORM = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of each reviewed card by its id, and every line of the history that could not be read."""

    states: dict[str, CardState]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A replay of the first `size` bytes, which are `lines` lines; `last` is the order of the latest event in them."""

    size: int
    lines: int
    last: tuple[datetime, str]
    standing: Standing


def standing(history: History, decks: Decks, cache: Path) -> Standing:
    """Return what `replay` gives for all events of `history`; `cache` is the file that keeps a replay.

    Raises:
        OSError: the history is there and cannot be read. A cache that cannot be written is done without.
    """
    if history.path is None:
        loaded = history.load()
        return Standing(replay(loaded.events, decks), loaded.problems)
    data, torn = history.read()
    name = str(history.path)
    numbers = history.renumbering()
    kept = _read(cache, data, name, decks, numbers)
    added = _added(kept, data, name, numbers) if kept else None
    if kept is not None and added is not None:
        events, problems = added
        states = replay(events, decks, kept.standing.states)
        made = Standing(states, (*kept.standing.problems, *problems))
        worth = len(events) > MOST_NEW // 2
    else:
        loaded = read_events(data, name, renumbering=numbers)
        events = loaded.events
        made = Standing(replay(events, decks), loaded.problems)
        worth = len(events) >= WORTH_KEEPING
    if worth:
        _write(cache, _key(memoryview(data), name, decks, numbers), data, events[-1], made)
    return Standing(made.states, (*torn, *made.problems))


def _added(
    kept: _Kept, data: bytes, name: str, numbers: Renumbering
) -> tuple[Sequence[Event], Sequence[Problem]] | None:
    """Return what came after `kept`; None where the replay cannot go on from there."""
    if data.count(b"\n", kept.size) > MOST_NEW:
        return None
    loaded = read_events(data[kept.size :], name, first_line=kept.lines + 1, renumbering=numbers)
    for event in loaded.events:
        # An id that is there already means the same event once more, or a fault; finding out takes all events.
        if event.order <= kept.last or event.kind == "undo" or data.find(event.id.encode(), 0, kept.size) >= 0:
            return None
    return loaded.events, loaded.problems


def _read(cache: Path, data: bytes, name: str, decks: Decks, numbers: Renumbering) -> _Kept | None:
    try:
        record = json.loads(cache.read_text(encoding="utf-8"))
        size = int(record["size"])
        if record["key"] != _key(memoryview(data)[:size], name, decks, numbers) or len(data) < size:
            return None
        states = [_state(fields) for fields in record["states"]]
        return _Kept(
            size,
            int(record["lines"]),
            (datetime.fromisoformat(record["last"][0]), str(record["last"][1])),
            Standing({state.card: state for state in states}, tuple(Problem(*each) for each in record["problems"])),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(cache: Path, key: str, data: bytes, last: Event, made: Standing) -> None:
    record = {
        "key": key,
        "size": len(data),
        "lines": data.count(b"\n"),
        "last": [last.at.isoformat(), last.id],
        "states": [asdict(state) for state in made.states.values()],
        "problems": [[problem.path, problem.line, problem.message] for problem in made.problems],
    }
    text = json.dumps(record, default=datetime.isoformat)
    with suppress(OSError):
        cache.parent.mkdir(exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=cache.parent, prefix=f".{cache.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
            Path(draft).replace(cache)
        finally:
            Path(draft).unlink(missing_ok=True)


def _key(data: memoryview, name: str, decks: Decks, numbers: Renumbering) -> str:
    """Return a digest of all that a replay depends on."""
    digest = hashlib.sha256(data)
    cards = [(card.id, card.step) for card in decks.cards.values()]
    digest.update(json.dumps([name, version("fsrs"), _FORM, cards, numbers.key]).encode())
    return digest.hexdigest()


def _state(fields: dict[str, Any]) -> CardState:
    at = {key: value and datetime.fromisoformat(value) for key, value in fields.items() if key.endswith("_at")}
    return CardState(**{**fields, **at})
