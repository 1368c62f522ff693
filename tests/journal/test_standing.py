"""A kept replay gives what a replay of everything gives, whatever happened to the history in between."""

from __future__ import annotations

import json
import random
from datetime import UTC, timedelta

import pytest

from journal.content.library import library
from journal.review import standing as module
from journal.review.history import History, new_event
from journal.review.schedule import replay
from journal.review.standing import standing

CARDS = ("backoff-01", "backoff-02", "backoff-03")


@pytest.fixture
def decks(folder):
    return library(folder.path).decks


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / "history.jsonl")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "standing.json"


@pytest.fixture(autouse=True)
def short_histories_are_kept(monkeypatch):
    monkeypatch.setattr(module, "WORTH_KEEPING", 1)


@pytest.fixture
def replays(monkeypatch):
    """How many events each replay was given, and whether it went on from a kept one."""
    seen = []

    def counted(events, decks, before=None):
        seen.append((len(events), before is not None))
        return replay(events, decks, before)

    monkeypatch.setattr(module, "replay", counted)
    return seen


def some_events(chance, start, count):
    at = start
    for _ in range(count):
        at += timedelta(minutes=chance.randint(1, 4000))
        if chance.random() < 0.8:
            yield new_event(
                "review", {"card": chance.choice(CARDS), "rating": chance.randint(1, 4), "where": "page"}, at, UTC
            )
        else:
            steps = {"1": chance.choice(["passed", "failed"]), "2": chance.choice(["passed", "failed"])}
            yield new_event("run", {"slug": "backoff", "steps": steps, "code_sha": "0" * 40}, at, UTC)


def whole(history, decks):
    loaded = history.load()
    return replay(loaded.events, decks), loaded.problems


def same(history, decks, cache):
    found = standing(history, decks, cache)
    assert (found.states, found.problems) == whole(history, decks)


@pytest.mark.parametrize("seed", range(20))
def test_history_that_grows_is_replayed_from_where_it_was(history, decks, cache, noon, seed, replays):
    chance = random.Random(seed)
    events = list(some_events(chance, noon, 60))
    cut = chance.randint(1, 59)
    history.append(*events[:cut])
    same(history, decks, cache)
    history.append(*events[cut:])
    same(history, decks, cache)
    assert replays[1] == (60 - cut, True)


@pytest.mark.parametrize("seed", range(20))
def test_merges_undos_and_repeats_are_replayed_as_a_whole(history, decks, cache, noon, seed, replays):
    chance = random.Random(seed)
    events = list(some_events(chance, noon, 40))
    history.append(*events[:30])
    same(history, decks, cache)
    late = [
        new_event("review", {"card": CARDS[0], "rating": 1, "where": "page"}, noon - timedelta(days=3), UTC),
        new_event("undo", {"event": events[12].id}, events[39].at + timedelta(days=1), UTC),
        events[7],
    ]
    history.append(*events[30:35], chance.choice(late), *events[35:])
    same(history, decks, cache)
    assert replays[-1][1] is False


def test_line_that_cannot_be_read_is_reported_with_its_number_each_time(history, decks, cache, noon):
    history.append(*some_events(random.Random(1), noon, 5))
    with history.path.open("a") as file:
        file.write("{}\n")
    same(history, decks, cache)
    history.append(*some_events(random.Random(2), noon + timedelta(days=99), 5))
    with history.path.open("a") as file:
        file.write("no event\n")
    same(history, decks, cache)
    assert [problem.line for problem in standing(history, decks, cache).problems] == [6, 12]


def test_changed_cards_and_changed_bytes_are_replayed_as_a_whole(folder, history, decks, cache, noon, replays):
    history.append(*some_events(random.Random(3), noon, 30))
    standing(history, decks, cache)
    folder.change("docs/quizzes/backoff.yml", "step: backoff/2", "step: backoff/1")
    same(history, library(folder.path).decks, cache)
    history.path.write_text(history.path.read_text().replace('"rating":1', '"rating":4'))
    same(history, library(folder.path).decks, cache)
    assert [before for _, before in replays] == [False, False, False]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"key": 1}'])
def test_spoilt_cache_is_done_without(history, decks, cache, noon, text):
    history.append(*some_events(random.Random(4), noon, 10))
    cache.parent.mkdir()
    cache.write_text(text)
    same(history, decks, cache)
    assert json.loads(cache.read_text())["size"] == history.path.stat().st_size


def test_history_in_memory_and_no_history_need_no_cache(decks, cache, tmp_path, noon):
    kept = History(None)
    kept.append(*some_events(random.Random(5), noon, 10))
    assert standing(kept, decks, cache).states == replay(kept.load().events, decks)
    assert standing(History(tmp_path / "none.jsonl"), decks, cache).states == {}
    assert not cache.exists()
