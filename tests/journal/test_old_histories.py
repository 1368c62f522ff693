"""A history that an older version wrote gives the same cards, due at the same instants.

`histories/0.5.0.jsonl` was written by 0.5.0 (commit a1eea62) in the
journal of `folder`; `0.5.0.replayed.json` is what 0.5.0 made of it.
"""

from __future__ import annotations

import json
from pathlib import Path

from journal.content.library import library
from journal.review.history import History, effective, read_events
from journal.review.schedule import replay

FOLDER = Path(__file__).parent / "histories"
EXPECTED = json.loads((FOLDER / "0.5.0.replayed.json").read_text(encoding="utf-8"))


def test_history_of_0_5_0_is_read_and_replayed_to_the_same_instants(folder, tmp_path):
    file = tmp_path / "history.jsonl"
    file.write_bytes((FOLDER / "0.5.0.jsonl").read_bytes())
    loaded = History(file).load()
    assert len(loaded.events) == EXPECTED["events"]
    assert [problem.line for problem in loaded.problems] == EXPECTED["problems"]
    states = replay(loaded.events, library(folder.path).decks)
    replayed = {
        name: {
            "state": state.state,
            "due_at": state.due_at.isoformat(),
            "stability": state.stability,
            "difficulty": state.difficulty,
            "reviews": state.reviews,
            "lapses": state.lapses,
            "pulled": state.pulled_at is not None,
        }
        for name, state in states.items()
    }
    assert replayed == EXPECTED["cards"]
    assert file.read_bytes() == (FOLDER / "0.5.0.jsonl").read_bytes()


def test_every_kind_of_event_of_0_5_0_is_in_that_history():
    events = read_events((FOLDER / "0.5.0.jsonl").read_bytes(), "0.5.0.jsonl").events
    assert {event.kind for event in events} == {"review", "run", "confidence", "undo", ""}
    assert len(effective(events)) < len(events)
