"""Random histories for comparing the page's schedule with Python's: several reviews a day, many about 04:00 local."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from journal.content.cards import Card, Deck, Decks
from journal.review.day import day_ends_at, day_of, offset_min
from journal.review.history.events import parse_line
from journal.review.schedule import due_today, interval_words, preview, replay, retrievability
from journal.review.stats import forecast

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEPS = {"a-01": "", "a-02": "a/1", "a-03": "a/1", "a-04": "a/2"}
LIBRARY = Decks(
    (
        Deck(
            "a",
            "A",
            tuple(
                Card(name, "recall", "q", "a", "a", "lessons/a.md#b", step or None, None, None, "a.yml", 1)
                for name, step in STEPS.items()
            ),
            (),
            "a.yml",
        ),
    )
)
TOLERANCE = 1e-9


def micros(at):
    return (at - EPOCH) // timedelta(microseconds=1)


def random_history(chance, zone):
    """Return the lines of one history, in no order, and an instant at which to look at it."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(365), microseconds=chance.randrange(10**11))
    lines, ids = [], []
    for _ in range(chance.randint(1, 40)):
        at += _gap(chance, at, zone)
        kind = chance.choices(["review", "undo", "run", "confidence"], [80, 8, 10, 2])[0]
        fields = {
            "review": lambda: {
                # "gone" is a card that no deck has any more.
                "card": chance.choice([*STEPS, *STEPS, "gone"]),
                "rating": chance.choices([1, 2, 3, 4], [30, 15, 40, 15])[0],
                "where": chance.choice(["page", "terminal", "notebook"]),
            },
            "undo": lambda: {"event": chance.choice(ids) if ids else "0" * 32},
            "run": lambda: {
                "slug": "a",
                "steps": {n: chance.choice(["passed", "failed", "not_started"]) for n in ("1", "2")},
                "code_sha": "0123abc",
                # 0.5.0 wrote no version.
                **({"version": 1} if len(lines) % 2 else {}),
            },
            "confidence": lambda: {"topic": "a", "value": chance.randint(1, 5)},
        }[kind]()
        event = f"{chance.getrandbits(128):032x}"
        ids.append(event)
        lines.append(
            json.dumps(
                {
                    "v": 1,
                    "id": event,
                    "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                    "local_date": day_of(at, zone).isoformat(),
                    "offset_min": offset_min(at, zone),
                    "kind": kind,
                    **fields,
                }
            )
        )
    now = at + _gap(chance, at, zone)
    chance.shuffle(lines)
    return lines, now


def _gap(chance, at, zone):
    kind = chance.random()
    if kind < 0.1:
        return timedelta()  # at the same instant, so that only the id orders
    if kind < 0.45:
        return timedelta(microseconds=chance.randrange(1, 3 * 3600 * 10**6))
    if kind < 0.6:
        # To within two minutes of the end of the journal day, on either side.
        edge = day_ends_at(at, zone) - at + timedelta(seconds=chance.randrange(-120, 120))
        return max(edge, timedelta(microseconds=1))
    if kind < 0.7:
        # A whole number of days, to the microsecond and one beside it.
        return timedelta(days=chance.randint(1, 5), microseconds=chance.choice([-1, 0, 1]))
    return timedelta(microseconds=chance.randrange(1, chance.choice([2, 30, 400]) * 86_400 * 10**6))


def expected(lines, now, zone):
    """Return what Python makes of a history."""
    states = replay([parse_line(line) for line in lines], LIBRARY)
    return {
        "states": states,
        "due": [state.card for state in due_today(states, now, zone)],
        "forecast": forecast(states, now, 14, zone),
        "day": [day_of(now, zone).isoformat(), micros(day_ends_at(now, zone)), offset_min(now, zone)],
    }


def disagreements(page, python, now):
    """Return every point in which the page's result differs from Python's."""
    found = [
        f"{key}: page {page[key]}, Python {python[key]}"
        for key in ("due", "forecast", "day")
        if page[key] != python[key]
    ]
    theirs = {state["card"]: state for state in page["states"]}
    if theirs.keys() != python["states"].keys():
        return [*found, f"cards: page {sorted(theirs)}, Python {sorted(python['states'])}"]
    for name, state in python["states"].items():
        other = theirs[name]
        exact = {
            "state": state.state,
            "due": micros(state.due_at),
            "scheduledUs": micros(state.scheduled_at),
            "pulledUs": None if state.pulled_at is None else micros(state.pulled_at),
            "lastReviewUs": micros(state.last_review_at),
            "reviews": state.reviews,
            "lapses": state.lapses,
            "leech": state.is_leech,
            "preview": [wait // timedelta(microseconds=1) for wait in preview(state, now).values()],
            "words": [interval_words(wait) for wait in preview(state, now).values()],
        }
        if state.step is not None:
            exact["step"] = state.step
        found += [
            f"{name}.{key}: page {other[key]}, Python {value}" for key, value in exact.items() if other[key] != value
        ]
        close = {"stability": state.stability, "difficulty": state.difficulty, "recall": retrievability(state, now)}
        found += [
            f"{name}.{key}: page {other[key]!r}, Python {value!r}"
            for key, value in close.items()
            if abs(other[key] - value) > TOLERANCE
        ]
    return found


ZONES = tuple(
    ZoneInfo(name)
    for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns")
)
