"""The history's file: what is acknowledged stays, what is damaged is set aside and named."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from journal.review.history import History, default_history, effective, new_event

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def review(card="backoff-01", rating=3, at=NOON, zone=UTC):
    return new_event("review", {"card": card, "rating": rating, "where": "terminal"}, at, zone)


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / "deep" / "history.jsonl")


def test_appended_events_come_back_in_order(history):
    late, early = review(at=NOON + timedelta(hours=1)), review(at=NOON)
    history.append(late)
    history.append(early)
    loaded = history.load()
    assert loaded.events == (early, late)
    assert loaded.problems == ()


def test_missing_file_is_an_empty_history_and_is_not_made(history):
    assert history.load().events == ()
    assert not history.path.exists()


def test_torn_last_line_is_set_aside_and_reported(history):
    first = review()
    history.append(first)
    with history.path.open("ab") as file:
        file.write(b'{"v":1,"id":"abc')
    loaded = history.load()
    assert loaded.events == (first,)
    assert "torn" in loaded.problems[0].message
    assert history.torn_path.read_bytes() == b'{"v":1,"id":"abc\n'
    assert history.path.read_bytes() == first.line.encode() + b"\n"
    assert history.load().problems == ()


def test_torn_last_line_is_set_aside_before_an_append(history):
    first, second = review(), review(at=NOON + timedelta(hours=1))
    history.append(first)
    with history.path.open("ab") as file:
        file.write(b'{"v":1,"id":"abc')
    history.append(second)
    assert history.load().events == (first, second)
    assert history.torn_path.exists()


def test_whole_last_line_without_line_end_is_kept(history):
    first, second = review(), review(at=NOON + timedelta(hours=1))
    history.append(first)
    with history.path.open("ab") as file:
        file.write(second.line.encode())
    loaded = history.load()
    assert (loaded.events, loaded.problems) == ((first, second), ())
    assert not history.torn_path.exists()


def test_corrupt_line_is_reported_with_its_number_and_stays_in_the_file(history):
    first, last = review(), review(at=NOON + timedelta(hours=1))
    history.append(first)
    with history.path.open("ab") as file:
        file.write(b"no event\n\xff\xfe\n")
    history.append(last)
    loaded = history.load()
    assert loaded.events == (first, last)
    assert [problem.line for problem in loaded.problems] == [2, 3]
    assert b"no event\n\xff\xfe\n" in history.path.read_bytes()


def test_merge_is_the_union_by_id(tmp_path):
    ours, theirs = History(tmp_path / "ours.jsonl"), History(tmp_path / "theirs.jsonl")
    shared, mine, other = review(), review(at=NOON + timedelta(1)), review(at=NOON - timedelta(1))
    ours.append(shared, mine)
    theirs.append(other, shared)
    before = theirs.path.read_bytes()
    done = ours.merge(theirs.path)
    assert (done.added, done.already_there, done.problems) == (1, 1, ())
    assert ours.load().events == (other, shared, mine)
    assert theirs.path.read_bytes() == before
    assert ours.merge(theirs.path).added == 0


def test_merging_both_ways_gives_the_same_history(tmp_path):
    a, b = History(tmp_path / "a.jsonl"), History(tmp_path / "b.jsonl")
    a.append(*(review(at=NOON + timedelta(hours=n)) for n in range(5)))
    b.append(*(review(at=NOON + timedelta(hours=n)) for n in range(5)))
    a.merge(b.path)
    b.merge(a.path)
    assert a.load().events == b.load().events
    assert len(a.load().events) == 10


def test_merge_keeps_events_of_a_later_version_as_they_stand(tmp_path):
    line = '{"v": 2, "id": "' + "c" * 32 + '", "at": "2027-01-01T00:00:00Z", "kind": "dream", "depth": {"x": 1}}'
    other = tmp_path / "other.jsonl"
    other.write_text(line + "\n", encoding="utf-8")
    ours = History(tmp_path / "ours.jsonl")
    ours.append(review())
    assert ours.merge(other).added == 1
    assert line in ours.path.read_text(encoding="utf-8").splitlines()
    loaded = ours.load()
    assert loaded.problems == ()
    assert len(loaded.events) == 2
    assert len(effective(loaded.events)) == 1


def test_merge_reports_bad_lines_and_conflicts(tmp_path):
    ours = History(tmp_path / "ours.jsonl")
    event = review(rating=3)
    ours.append(event)
    other = tmp_path / "other.jsonl"
    other.write_text("rubbish\n" + event.line.replace('"rating":3', '"rating":1') + "\n", encoding="utf-8")
    done = ours.merge(other)
    assert done.added == 0
    assert [problem.line for problem in done.problems] == [1, 0]
    assert ours.load().events == (event,)


def test_history_of_a_test_run_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("REDRIVE_NO_HISTORY", "1")
    monkeypatch.setenv("REDRIVE_HISTORY", str(tmp_path / "h.jsonl"))
    history = default_history(tmp_path)
    history.append(review())
    assert len(history.load().events) == 1
    assert list(tmp_path.iterdir()) == []


def test_history_lies_where_it_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("REDRIVE_NO_HISTORY")
    monkeypatch.delenv("REDRIVE_HISTORY")
    assert default_history(tmp_path).path == tmp_path / ".redrive" / "history.jsonl"
    monkeypatch.setenv("REDRIVE_HISTORY", str(tmp_path / "h.jsonl"))
    assert default_history(tmp_path).path == tmp_path / "h.jsonl"


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from journal.review.history import History, new_event

history = History(Path(sys.argv[1]))
for n in range(1000):
    event = new_event("review", {"card": "backoff-01", "rating": 1 + n % 4, "where": "terminal"}, datetime.now(UTC))
    history.append(event)
    print(event.id, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 on Windows")
def test_killing_two_writers_loses_no_acknowledged_event(tmp_path):
    """Two processes write 1,000 events each and are killed on the way.

    Did: killed two writers with SIGKILL after they had acknowledged 100 and 300 events.
    Saw: every acknowledged event in the file, which loads.
    Otherwise: an acknowledged event is missing, or a line is torn in the middle of the file.
    """
    path = tmp_path / "history.jsonl"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    acknowledged = []
    for writer, enough in zip(writers, (100, 300), strict=True):
        acknowledged += [writer.stdout.readline().strip() for _ in range(enough)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        writer.stdout.close()
    assert len(acknowledged) >= 400
    assert all(len(name) == 32 for name in acknowledged)
    history = History(path)
    loaded = history.load()
    assert set(acknowledged) <= {event.id for event in loaded.events}
    assert all("torn" in problem.message for problem in loaded.problems)
    history.append(review())
    assert len(history.load().events) == len(loaded.events) + 1


def test_killed_mid_write_anywhere_leaves_a_history_that_loads(tmp_path):
    """Every prefix of a file is what some kill may leave behind; whole lines survive in each."""
    whole = History(tmp_path / "whole.jsonl")
    events = [review(at=NOON + timedelta(minutes=n)) for n in range(3)]
    whole.append(*events)
    data = whole.path.read_bytes()
    cut = tmp_path / "cut.jsonl"
    for size in range(0, len(data) + 1, 7):
        cut.write_bytes(data[:size])
        loaded = History(cut).load()
        complete = data[:size].count(b"\n")
        assert list(loaded.events)[:complete] == events[:complete]


def test_history_on_a_read_only_disk_can_be_looked_at(history, monkeypatch):
    event = review()
    history.append(event)

    def refuse(*_args, **_named):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("journal.review.history.lock.os.open", refuse)
    assert history.load().events == (event,)


def test_write_that_the_disk_refuses_is_not_acknowledged_and_leaves_whole_lines(history, monkeypatch):
    """A full disk takes half a line; the next append sets that half aside."""
    first, lost, last = (review(at=NOON + timedelta(hours=n)) for n in range(3))
    history.append(first)
    write = os.write
    with monkeypatch.context() as full:
        full.setattr("journal.review.history.store.os.write", _half_then_full(write))
        with pytest.raises(OSError, match="No space"):
            history.append(lost)
    history.append(last)
    assert history.load().events == (first, last)
    assert history.torn_path.read_bytes() == lost.line.encode()[:20] + b"\n"


def _half_then_full(write):
    calls = []

    def half(descriptor, data):
        calls.append(1)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:20])

    return half


def test_append_returns_only_after_the_disk_has_the_line(history, monkeypatch):
    """Did: looked at the file's bytes at each fsync of the file, and at the list of them when append returned.

    Saw: the line was there in full at an fsync before append returned.
    Otherwise: append returned without an fsync, or synced before the line was written.
    """
    synced = []
    sync = os.fsync

    def watch(descriptor):
        if history.path.exists() and os.path.samestat(os.fstat(descriptor), history.path.stat()):
            synced.append(history.path.read_bytes())
        sync(descriptor)

    monkeypatch.setattr("os.fsync", watch)
    monkeypatch.setattr("sys.platform", "linux")
    event = review()
    history.append(event)
    assert synced == [event.line.encode() + b"\n"]


COUNTER = """
import sys
from pathlib import Path
from journal.review.history.lock import exclusive

file = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(200):
    with exclusive(file.with_suffix(".lock")):
        file.write_text(str(int(file.read_text()) + 1))
"""


def test_lock_lets_one_process_in_at_a_time(tmp_path):
    """Two processes read a number and write it back plus one; without the lock they overwrite each other."""
    file = tmp_path / "count"
    file.write_text("0")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    counters = [subprocess.Popen([sys.executable, "-c", COUNTER, str(file)], **pipes) for _ in range(2)]
    for counter in counters:
        counter.stdout.readline()
    for counter in counters:
        counter.stdin.write("\n")
        counter.stdin.flush()
    for counter in counters:
        counter.communicate()
        assert counter.returncode == 0
    assert file.read_text() == "400"
