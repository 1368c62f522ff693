"""The events a history holds, and the rules each must keep; the same for a line of the file and for an import.

Every event is one JSON object on one line of at most `MAX_LINE_BYTES` bytes:

    {"v":1,"id":"<32 hex>","at":"2026-11-24T04:05:09.123456Z","local_date":"2026-11-24","offset_min":0,"kind":…}

and by kind: `review` has card, rating (1 again, 2 hard, 3 good, 4 easy) and where; `run` has slug, steps
({"1": "passed", …}), code_sha and version, the exercise's version (1 where it is missing); `confidence` has topic and
value (1 to 5); `undo` has event, the id it removes.
An event of a later version is kept as it stands and otherwise left alone.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from journal.review.day import day_of, offset_min

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import tzinfo

VERSION = 1
MAX_LINE_BYTES = 8192
PLACES = ("page", "terminal", "notebook")
OUTCOMES = ("passed", "failed", "not_started", "local_only")
MAX_STEPS = 50

_HEX32 = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_SHA = re.compile(r"[0-9a-f]{7,64}")
_STEP = re.compile(r"[1-9][0-9]?")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z",
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COMMON_KEYS = ("v", "id", "at", "local_date", "offset_min", "kind")
_KIND_KEYS = {
    "review": ("card", "rating", "where"),
    "run": ("slug", "steps", "code_sha"),
    "confidence": ("topic", "value"),
    "undo": ("event",),
}
# Any event may say where it came from. Events that 0.5.0 wrote have no version.
_OPTIONAL_KEYS = {"run": ("where", "version")}


class EventError(ValueError):
    """A line, or an object, is no valid event; the message says every reason."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        id: 32 hexadecimal digits, random.
        at: the instant, aware, UTC.
        local_date: the journal day, which begins at 04:00 local.
        offset_min: minutes that local time was ahead of UTC.
        kind: review, run, confidence, undo; "" for an event of a later version.
        fields: what the kind adds.
        line: the event as it stands in the file, without the line's end.
    """

    id: str
    at: datetime
    local_date: date
    offset_min: int
    kind: str
    fields: Mapping[str, Any] = field(hash=False)
    line: str = field(compare=False)

    @property
    def order(self) -> tuple[datetime, str]:
        """What events are sorted by: instant, then id."""
        return (self.at, self.id)


def new_event(kind: str, fields: Mapping[str, Any], at: datetime, zone: tzinfo | None = None) -> Event:
    """Return an event of version 1 with a fresh random id that happened at the instant `at`.

    Raises:
        EventError: `fields` break the rules of `kind`.
    """
    at = at.astimezone(UTC)
    record = {
        "v": VERSION,
        "id": secrets.token_hex(16),
        "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "local_date": day_of(at, zone).isoformat(),
        "offset_min": offset_min(at, zone),
        "kind": kind,
        **fields,
    }
    return parse_line(json.dumps(record, ensure_ascii=False, separators=(",", ":")))


def parse_line(line: str) -> Event:
    """Return the event that `line` holds.

    Raises:
        EventError: with every rule that it breaks.
    """
    if "\n" in line or "\r" in line:
        raise EventError("holds a line end, and an event is one line")
    try:
        size = len(line.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise EventError("holds half a surrogate pair, which no UTF-8 file can") from error
    if size > MAX_LINE_BYTES:
        raise EventError(f"is {size} bytes long, and an event has at most {MAX_LINE_BYTES}")
    try:
        record = _DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        raise EventError(f"is no JSON: {error}") from error
    if not isinstance(record, dict):
        raise EventError("is no JSON object")
    version = record.get("v")
    later = type(version) is int and version > VERSION
    faults = list(_common_faults(record, later=later))
    if not later:
        faults += _kind_faults(record)
    if faults:
        raise EventError("; ".join(faults))
    at = datetime.fromisoformat(record["at"])
    if later:
        return Event(record["id"], at, day_of(at, UTC), 0, "", {}, line)
    return Event(
        id=record["id"],
        at=at,
        local_date=date.fromisoformat(record["local_date"]),
        offset_min=record["offset_min"],
        kind=record["kind"],
        fields={key: record[key] for key in record if key not in _COMMON_KEYS},
        line=line,
    )


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return `events` by (instant, id)."""
    return sorted(events, key=lambda event: event.order)


def effective(events: Iterable[Event]) -> list[Event]:
    """Return the events that count, by (instant, id): without undo events and what they remove.

    Walks from the last event to the first. An undo that has not itself been removed removes the event it names, be it
    a review, a run, a confidence or an earlier undo.
    """
    removed: set[str] = set()
    ordered = in_order(events)
    for event in reversed(ordered):
        if event.id not in removed and event.kind == "undo":
            removed.add(event.fields["event"])
    return [event for event in ordered if event.id not in removed and event.kind not in {"undo", ""}]


def _common_faults(record: dict[str, Any], *, later: bool) -> Iterable[str]:
    if type(record.get("v")) is not int or record["v"] < 1:
        yield f"v is {record.get('v')!r}; it is {VERSION}"
    if not _matches(_HEX32, record.get("id")):
        yield f"id is {_shown(record.get('id'))}; it is 32 lower-case hexadecimal digits"
    at = _instant(record.get("at"))
    if at is None:
        yield f"at is {_shown(record.get('at'))}; it is a UTC instant as 2026-11-24T04:05:09.123456Z"
    if later:
        return
    offset = record.get("offset_min")
    if type(offset) is not int or not -12 * 60 <= offset <= 14 * 60:
        yield f"offset_min is {_shown(offset)}; it is a whole number from -720 to 840"
    day = _day(record.get("local_date"))
    if day is None or (at is not None and abs((day - at.date()).days) > 1):
        yield f"local_date is {_shown(record.get('local_date'))}; it is the journal day of `at`, as 2026-11-24"


def _kind_faults(record: dict[str, Any]) -> Iterable[str]:
    kind = record.get("kind")
    keys = _KIND_KEYS.get(kind) if isinstance(kind, str) else None
    if keys is None:
        yield f"kind is {_shown(kind)}; it is one of {', '.join(_KIND_KEYS)}"
        return
    allowed = {*_COMMON_KEYS, *keys, *_OPTIONAL_KEYS.get(str(kind), ("where",))}
    for key in record:
        if key not in allowed:
            yield f"{kind} has no key {_shown(key)}"
    for key in keys:
        if key not in record:
            yield f"{key} is missing"
    for key, value in record.items():
        if key in allowed and key in _RULES:
            rule, wanted = _RULES[key]
            if not rule(value):
                yield f"{key} is {_shown(value)}; it is {wanted}"


def _whole(low: int, high: int, value: object) -> bool:
    return type(value) is int and low <= value <= high


def _steps(value: object) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= MAX_STEPS
        and all(_matches(_STEP, number) and outcome in OUTCOMES for number, outcome in value.items())
    )


def _named(value: object) -> bool:
    return _matches(_NAME, value) and len(str(value)) <= 64


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


_RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "card": (_named, "a card id"),
    "rating": (lambda value: _whole(1, 4, value), "1 (again), 2 (hard), 3 (good) or 4 (easy)"),
    "where": (lambda value: value in PLACES, f"one of {', '.join(PLACES)}"),
    "slug": (_named, "an exercise's slug"),
    "steps": (_steps, f'{{"1": outcome, …}} with outcomes {", ".join(OUTCOMES)}'),
    "code_sha": (lambda value: _matches(_SHA, value), "7 to 64 hexadecimal digits"),
    "version": (lambda value: _whole(1, 999, value), "a whole number from 1 to 999"),
    "topic": (_named, "a deck's topic"),
    "value": (lambda value: _whole(1, 5, value), "a whole number from 1 to 5"),
    "event": (lambda value: _matches(_HEX32, value), "the id of the event to undo"),
}


def _instant(value: object) -> datetime | None:
    if not _matches(_INSTANT, value):
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    # A margin of a century on both sides keeps every due instant within what a datetime can hold.
    return at if 1970 <= at.year <= 2999 else None


def _day(value: object) -> date | None:
    if not _matches(_DAY, value):
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key stands twice")
    return record


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


# One for all lines: `json.loads` would make a new one for each, which takes a tenth of the time of reading a history.
_DECODER = json.JSONDecoder(object_pairs_hook=_no_repeats, parse_constant=_no_constant)
