"""What happened between the learner's code and Redis, as a few lines that show where it broke.

A network keeps every command with the client that sent it, the learner's function and line, and the reply. This module
turns that record into the trace of a failure message: one row for what one call did in one go, at most `MAX_ROWS` rows,
chosen around the fault or the race.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from grading.columns import LABEL, MARGIN, WIDTH

MAX_ROWS = 8
MIN_ROWS = 4
_VALUE = 22
"""Longest argument or reply that is shown whole; of a longer one, its beginning."""

_HASH_TAG = re.compile(r"^\{\w+\}:")
"""Of a key `{orders}:ready` the trace shows `ready`: all keys of an exercise have the same tag."""

_READS = {
    "GET", "MGET", "EXISTS", "TTL", "HGET", "HGETALL", "HMGET", "HLEN", "LRANGE", "LLEN", "LINDEX", "LPOS", "ZRANGE",
    "ZSCORE", "ZCARD", "SMEMBERS", "SISMEMBER", "SCARD", "TYPE",
}  # fmt: skip
_NEITHER = {"WATCH", "UNWATCH", "MULTI", "EXEC", "DISCARD", "PING", "SELECT"}


class Event:
    """Something that happened: a command that the server ran, or with `note` a fault, or a call that ended.

    Attributes:
        client: who did it.
        call: the learner's function that the test had called, or "".
        line: the line of the learner's file that sent the command, or 0.
        key: equal for two events of the same call.
        command: the command's arguments; empty for a call's end.
        reply: what the server answered, once `replied`.
        note: what is said in the row's margin.
    """

    __slots__ = ("at_s", "call", "client", "command", "key", "line", "note", "replied", "reply", "session", "text")

    def __init__(self, client: str, command: tuple[bytes, ...] = (), *, session: int = 0, at_s: float = 0.0) -> None:
        self.client, self.command, self.session, self.at_s = client, command, session, at_s
        self.reply: Any = None
        self.replied = False
        self.call, self.line, self.key = "", 0, 0
        self.note = self.text = ""


@dataclass
class Row:
    """A line of a trace."""

    who: str
    call: str
    line: int
    did: str
    note: str = ""
    key: int = 0
    events: list[Event] = field(default_factory=list)
    telling: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return what the page makes a table row of."""
        return {"who": self.who, "call": self.call, "line": self.line, "did": self.did, "note": self.note}


class Callers:
    """Find the learner's function behind a command, and number its calls."""

    files: tuple[str, ...] = ()
    """The file under test; the plugin sets it."""

    def __init__(self) -> None:
        self._last: dict[str, types.FrameType] = {}
        self._keys: dict[str, int] = {}
        self._count = 0

    def place(self, event: Event) -> None:
        """Write the call and the line that an event comes from into it."""
        frame: types.FrameType | None = sys._getframe(1)  # noqa: SLF001
        outermost: types.FrameType | None = None
        while frame is not None:
            if frame.f_code.co_filename in self.files:
                outermost = frame
                event.line = event.line or frame.f_lineno
            frame = frame.f_back
        if outermost is None:
            return
        event.call = f"{outermost.f_code.co_name}()"
        # As long as the frame is kept, no other call can have the same one.
        if self._last.get(event.client) is not outermost:
            self._last[event.client] = outermost
            self._count += 1
            self._keys[event.client] = self._count
        event.key = self._keys[event.client]

    @classmethod
    def name_of(cls, call: Any) -> str:
        """Return the name of a coroutine's function if it is the learner's, else ""."""
        code = getattr(call, "cr_code", None)
        return f"{code.co_name}()" if code is not None and code.co_filename in cls.files else ""

    def forget(self) -> None:
        """Let go of the frames."""
        self._last.clear()


def shortened(value: Any) -> str:
    """Write a reply as Python shows it, cut when it is long."""
    if isinstance(value, BaseException):
        return f"{type(value).__name__}"
    if isinstance(value, (list, tuple)):
        shown = [shortened(one) for one in value[:3]]
        return f"[{', '.join(shown)}{', …' if len(value) > 3 else ''}]"
    if isinstance(value, bytes) and (name := _id_in(value)):
        return f"b'{name}'"
    text = repr(value)
    return text if len(text) <= _VALUE + 8 else text[: _VALUE + 6] + "…" + text[0 if text[0] in "'\"" else 1]


def _id_in(value: bytes) -> str | None:
    """Write a JSON object that has an id as that id alone: an entry is long, and its id says which one it is."""
    if not value.startswith(b"{"):
        return None
    with contextlib.suppress(ValueError, TypeError, KeyError):
        found = json.loads(value)["id"]
        return f"{{{found} …}}"
    return None


def _argument(value: bytes) -> str:
    if name := _id_in(value):
        return name
    text = _HASH_TAG.sub("", value.decode("utf-8", "backslashreplace"))
    if not text.isprintable():
        text = repr(value)
    return text if 0 < len(text) <= _VALUE else repr(text) if not text else text[: _VALUE - 1] + "…"


def shown_command(command: Sequence[bytes]) -> str:
    """Write a command as one types it, with long arguments cut and many left out."""
    name = command[0].decode("utf-8", "replace").upper() if command else ""
    parts = [_argument(one) for one in command[1:]]
    if len(parts) > 6:
        parts = [*parts[:5], "…"]
    return " ".join([name, *parts])


def _shown(event: Event) -> str:
    if not event.command:
        return event.text
    text = shown_command(event.command)
    name = event.command[0].upper()
    if event.note or not event.replied or event.reply in (b"OK", "OK", b"QUEUED", "QUEUED"):
        return text
    if name == b"EXEC" and event.reply is None:
        return f"{text} → None (refused: a watched key changed)"
    return f"{text} → {shortened(event.reply)}"


def rows_of(events: Sequence[Event]) -> list[Row]:
    """Put what one call did in one go into one row, until another client, a fault or another call comes."""
    rows: list[Row] = []
    races, shown = _races(events)
    for event in events:
        if event.command[:1] == (b"UNWATCH",):
            continue  # redis-py sends it when a pipeline is left
        text, note = _shown(event), event.note or races.get(id(event), "")
        telling = id(event) in shown
        last = rows[-1] if rows else None
        who = _who(event.client)
        joins = last is not None and not last.note and (last.who, last.key) == (who, event.key)
        if joins and last is not None and (not event.command or not event.text) and len(last.did) + len(text) < 62:
            last.did += ("   " if not event.command else ", ") + text
            last.note = note
            last.events.append(event)
        else:
            rows.append(Row(who, event.call, event.line, text, note, event.key, [event]))
        rows[-1].telling |= telling
    return rows


def _races(events: Sequence[Event]) -> tuple[dict[int, str], set[int]]:
    """Note each write to a key that another call changed since this one read it; and which events tell of the first."""
    seen = _Races()
    for position, event in enumerate(events):
        if event.command and event.replied:
            seen.look(position, event)
    return seen.found, {id(events[position]) for position in seen.first}


class _Races:
    """Who read and wrote which key last; a transaction's writes count when EXEC runs them."""

    def __init__(self) -> None:
        self.read: dict[tuple[int, str], int] = {}
        self.written: dict[str, tuple[int, Event]] = {}
        self.queued: dict[tuple[str, int], list[Event]] = {}
        self.found: dict[int, str] = {}
        self.first: tuple[int, ...] = ()

    def look(self, position: int, event: Event) -> None:
        name, line = event.command[0].decode("utf-8", "replace").upper(), (event.client, event.session)
        if name == "MULTI":
            self.queued[line] = []
        elif name == "EXEC":
            for one in self.queued.pop(line, []) if event.reply is not None else []:
                self.write(position, one, event)
        elif line in self.queued:
            self.queued[line].append(event)
        elif name in _READS:
            self.read[event.key, _key_of(event)] = position
        elif name not in _NEITHER and not isinstance(event.reply, BaseException):
            self.write(position, event, event)

    def write(self, position: int, event: Event, noted: Event) -> None:
        key = _key_of(event)
        at, other = self.written.get(key, (-1, event))
        looked = self.read.get((event.key, key))
        if looked is not None and at > looked and other.key != event.key and event.key:
            self.first = self.first or (looked, at, position)
            self.found[id(noted)] = f"{_who(other.client)} wrote it since the read"
        self.written[key] = (position, event)


def _who(client: str) -> str:
    return "worker" if client == "redis" else client


def _key_of(event: Event) -> str:
    return event.command[1].decode("utf-8", "replace") if len(event.command) > 1 else ""


def choose(rows: list[Row], most: int = MAX_ROWS) -> tuple[list[Row], int, int]:
    """Choose the rows that tell most, and say how many are left out before and after them.

    They are those after the first fault, and of the client that met it when there are too many; else those that lead to
    the first race; else the last ones.
    """
    if len(rows) <= most:
        return rows, 0, 0
    fault = next((place for place, row in enumerate(rows) if row.events[-1].note), None)
    if fault is not None:
        start = max(0, fault - 1)
        own = [row for row in rows[start:] if row.who == rows[fault].who]
        if len(own) >= MIN_ROWS - 1:
            chosen = own[:most]
            return chosen, start, len(rows) - start - len(chosen)
        start = min(start, len(rows) - most)
        return rows[start : start + most], start, len(rows) - start - most
    telling = [place for place, row in enumerate(rows) if row.telling]
    if telling:
        # Where it was read, where another wrote it, and what leads to the write after that.
        before = [place for place in range(telling[-1] - 1, -1, -1) if place not in telling]
        places = sorted([*telling[-most:], *before[: max(0, most - len(telling))]])
        return [rows[place] for place in places], 0, len(rows) - len(places)
    start = len(rows) - most
    return rows[start:], start, 0


def text_of(rows: Sequence[Row], before: int = 0, after: int = 0) -> list[str]:
    """Write rows in columns: who, call and line, what was sent and answered; a note stands after an arrow."""
    calls = [row.call + (f" :{row.line}" if row.line else "") for row in rows]
    who = max((len(row.who) for row in rows), default=0)
    call = max(map(len, calls), default=0)
    lines = []
    for row, text in zip(rows, calls, strict=True):
        note = f"   ← {row.note}" if row.note else ""
        line = f"{row.who:<{who}}  {text:<{call}}  {row.did}"
        room = WIDTH - MARGIN - LABEL - len(note)
        lines.append((line if len(line) <= room else line[: max(room, 40) - 1] + "…") + note)
    left_out = before + after
    return [*lines, *([f"(left out: {left_out} other line{'s' if left_out > 1 else ''})"] if left_out else [])]
