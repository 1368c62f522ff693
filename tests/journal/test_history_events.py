"""The events of a history: the form of each, what is refused, their order, and what undoing removes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.review.history import EventError, effective, in_order, new_event, parse_line

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def review(card="backoff-01", rating=3, at=NOON, zone=UTC):
    return new_event("review", {"card": card, "rating": rating, "where": "terminal"}, at, zone)


def test_event_has_the_contracts_form():
    zone = timezone(timedelta(hours=2))
    event = review(at=datetime(2026, 11, 24, 1, 30, 0, 5, tzinfo=UTC), zone=zone)
    record = json.loads(event.line)
    assert list(record) == ["v", "id", "at", "local_date", "offset_min", "kind", "card", "rating", "where"]
    assert record["at"] == "2026-11-24T01:30:00.000005Z"
    # 03:30 local is still the day before: a journal day begins at 04:00.
    assert (record["local_date"], record["offset_min"]) == ("2026-11-23", 120)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"v": 0}, "v is 0"),
        ({"v": True}, "v is True"),
        ({"id": "ABC"}, "id is 'ABC'"),
        ({"at": "2026-11-24T12:00:00+00:00"}, "at is"),
        ({"at": "2026-13-24T12:00:00Z"}, "at is"),
        ({"at": "9999-11-24T12:00:00Z"}, "at is"),
        ({"local_date": "2026-11-30"}, "local_date is"),
        ({"local_date": "20261124"}, "local_date is"),
        ({"offset_min": 900}, "offset_min is 900"),
        ({"offset_min": 1.5}, "offset_min is 1.5"),
        ({"kind": "party"}, "kind is 'party'"),
        ({"kind": ["review"]}, "kind is ['review']"),
        ({"rating": 5}, "rating is 5"),
        ({"rating": True}, "rating is True"),
        ({"rating": 3.0}, "rating is 3.0"),
        ({"card": "<script>"}, "card is '<script>'"),
        ({"card": "a" * 65}, "card is"),
        ({"where": "moon"}, "where is 'moon'"),
        ({"code": "print()"}, "review has no key 'code'"),
    ],
)
def test_event_outside_the_bounds_is_refused(change, says):
    record = {**json.loads(review().line), **change}
    with pytest.raises(EventError) as caught:
        parse_line(json.dumps(record))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("run", {"slug": "backoff", "steps": {"1": "great"}, "code_sha": "a" * 40}),
        ("run", {"slug": "backoff", "steps": {"0": "passed"}, "code_sha": "a" * 40}),
        ("run", {"slug": "backoff", "steps": ["passed"], "code_sha": "a" * 40}),
        ("run", {"slug": "backoff", "steps": {}, "code_sha": "xyz"}),
        ("run", {"slug": "backoff", "steps": {}}),
        ("confidence", {"topic": "backoff", "value": 6}),
        ("undo", {"event": "short"}),
    ],
)
def test_each_kind_has_rules(kind, fields):
    with pytest.raises(EventError):
        new_event(kind, fields, NOON)


@pytest.mark.parametrize("line", ["[]", "1", '{"v":1', '{"v":1,"v":1}', '{"v":NaN}', "[" * 5000, "{}\n", "x" * 9000])
def test_line_that_is_no_event_is_refused(line):
    with pytest.raises(EventError):
        parse_line(line)


def test_several_faults_of_one_event_are_told_together():
    record = {**json.loads(review().line), "rating": 9, "offset_min": 9000}
    with pytest.raises(EventError, match=r"offset_min is 9000.*rating is 9"):
        parse_line(json.dumps(record))


def test_undo_removes_what_it_names_and_undoing_the_undo_brings_it_back():
    first = review()
    undo = new_event("undo", {"event": first.id}, NOON + timedelta(minutes=1))
    again = new_event("undo", {"event": undo.id}, NOON + timedelta(minutes=2))
    assert effective([undo, first]) == []
    assert effective([again, undo, first]) == [first]


def test_undo_from_a_clock_that_is_behind_still_counts():
    first = review()
    undo = new_event("undo", {"event": first.id}, NOON - timedelta(hours=1))
    assert effective([first, undo]) == []


def test_events_of_one_instant_are_ordered_by_id():
    events = [review() for _ in range(20)]
    assert [event.id for event in in_order(events)] == sorted(event.id for event in events)


def test_event_date_is_the_journal_day():
    assert review(at=datetime(2026, 11, 24, 3, 59, tzinfo=UTC)).local_date == date(2026, 11, 23)
    assert review(at=datetime(2026, 11, 24, 4, 0, tzinfo=UTC)).local_date == date(2026, 11, 24)


LEAVES = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=70)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_input_gets_past_the_rules_or_breaks_them(data):
    """Any JSON in any field is either an event that reads back the same, or refused as an EventError."""
    record = json.loads(review().line)
    for key in data.draw(st.lists(st.sampled_from([*record, "steps", "event"]), max_size=3)):
        record[key] = data.draw(VALUES)
    line = json.dumps(record)
    try:
        event = parse_line(line)
    except EventError:
        return
    assert event.line == line
    assert parse_line(event.line) == event
    assert event.kind in {"review", ""}


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(EventError, match="surrogate"):
        parse_line('{"v":2,"x":"\ud800"}')
