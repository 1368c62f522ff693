"""Forced switches: an unlocked counter fails every time, a locked one never, and a deadlock is told."""

import linecache
import sys
import threading
import time
import types

import pytest

from grading.switches import forced_switches

SUBJECT = """
import threading
from threading import Lock

shared = threading.Lock()

class Unlocked:
    def __init__(self):
        self.values = {}
    def inc(self):
        self.values["n"] = self.values.get("n", 0) + 1

class Locked(Unlocked):
    def __init__(self):
        super().__init__()
        self.lock = Lock()
    def inc(self):
        with self.lock:
            super().inc()

class Reentrant(Unlocked):
    lock = threading.RLock()
    def inc(self):
        with self.lock, self.lock:
            super().inc()

class ByModule(Unlocked):
    def inc(self):
        with shared:
            super().inc()

class TakesTwice(Unlocked):
    def __init__(self):
        super().__init__()
        self.lock = Lock()
    def inc(self):
        with self.lock, self.lock:
            super().inc()

class Crossed(Unlocked):
    def __init__(self):
        super().__init__()
        self.one, self.two = Lock(), Lock()
    def inc(self):
        with self.one, self.two:
            super().inc()
    def dec(self):
        with self.two, self.one:
            super().inc()

class LockPerKey(Unlocked):
    def __init__(self):
        super().__init__()
        self.locks = {}
    def lock_of(self, key):
        if key not in self.locks:
            self.locks[key] = Lock()
        return self.locks[key]
    def inc(self):
        with self.lock_of("n"):
            super().inc()

class Histogram:
    def __init__(self):
        self.lock = threading.Lock()
        self.buckets, self.sum, self.count = [0] * 11, 0, 0
    def observe(self, value):
        with self.lock:
            for bound in range(11):
                if value <= bound:
                    self.buckets[bound] += 1
            self.sum += value
            self.count += 1

class Unwritten:
    def inc(self):
        raise NotImplementedError("step 5: lock it")
"""


@pytest.fixture
def subject(tmp_path, monkeypatch):
    file = tmp_path / "subject.py"
    file.write_text(SUBJECT, encoding="utf-8")
    module = types.ModuleType("subject")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "subject", module)
    exec(compile(SUBJECT, str(file), "exec"), vars(module))
    return module


def two(counter):
    return None if counter.values.get("n") == 2 else f"the counter is {counter.values.get('n')}, not 2"


def switch(subject, kind, op_a="inc", op_b="inc", check=two, **options):
    return forced_switches(
        getattr(subject, kind),
        lambda one: getattr(one, op_a)(),
        lambda one: getattr(one, op_b)(),
        check,
        file=subject,
        **options,
    )


def test_unlocked_counter_fails_at_the_same_points_every_time(subject):
    found = [[one.point for one in switch(subject, "Unlocked", stop_at_first=False).broken] for _ in range(10)]
    assert len(found[0]) >= 3
    assert found == [found[0]] * 10


def test_break_names_the_line_and_what_was_seen(subject):
    result = switch(subject, "Unlocked")
    assert "the counter is 1, not 2" in result.story
    assert 'self.values["n"] = self.values.get("n", 0) + 1' in result.story


@pytest.mark.parametrize("kind", ["Locked", "Reentrant", "ByModule"])
def test_locked_counter_never_fails(subject, kind):
    result = switch(subject, kind, stop_at_first=False)
    assert result.broken == []
    assert result.points >= 15


def test_two_threads_that_each_make_the_lock_are_caught_when_both_are_interrupted(subject):
    assert switch(subject, "LockPerKey", stop_at_first=False).broken == []
    found = []
    for n in range(1, 10):
        result = switch(subject, "LockPerKey", pause_b_before_store=n)
        found += result.broken
        if result.stores_in_b < n:
            break
    assert 2 <= n < 10
    assert found != []
    assert switch(subject, "Locked", pause_b_before_store=1).broken == []


def test_lock_taken_twice_by_one_thread_is_a_deadlock(subject):
    assert "deadlock" in switch(subject, "TakesTwice").story


def test_locks_taken_in_two_orders_are_a_deadlock_at_some_point(subject):
    result = switch(subject, "Crossed", op_b="dec", stop_at_first=False)
    assert 1 <= len(result.broken) < result.points
    assert "deadlock" in result.story


def test_correct_histogram_is_graded_at_every_point_in_under_two_seconds(subject):
    started = time.perf_counter()
    result = forced_switches(
        subject.Histogram,
        lambda one: one.observe(1),
        lambda one: one.observe(2),
        lambda one: None if (one.sum, one.count) == (3, 2) else "lost",
        file=subject,
    )
    assert result.points > 80
    assert result.broken == []
    assert time.perf_counter() - started < 2


def test_unwritten_step_is_raised_as_it_is(subject):
    with pytest.raises(NotImplementedError, match="step 5"):
        switch(subject, "Unwritten", check=lambda _one: None)


def test_wrong_file_is_refused(subject):
    with pytest.raises(ValueError, match="ran nothing of"):
        forced_switches(subject.Locked, lambda one: one.inc(), lambda one: one.inc(), two, file=linecache.__file__)


def test_locks_are_put_back(subject):
    before = threading.Lock, threading.RLock, subject.Lock, subject.shared, subject.Reentrant.lock
    switch(subject, "Locked")
    assert before == (threading.Lock, threading.RLock, subject.Lock, subject.shared, subject.Reentrant.lock)
