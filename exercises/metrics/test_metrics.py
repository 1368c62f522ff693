"""Grades `metrics.py`, step by step. Checks go through the public names, so any design that keeps the spec passes.

Recorded numbers are sums of powers of two: floats add up exactly, whatever the order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import re
import threading
import types
import warnings
from collections import Counter
from collections.abc import Generator
from typing import NamedTuple

import pytest

from exercises.metrics import metrics
from exercises.metrics.metrics import Flusher, Registry, series_key
from grading import explain, fail, for_seeds
from grading.switches import ReplacedLock, ReplacedRLock, forced_switches, loaded_again

TOTALS = "metrics:totals"


@pytest.fixture(autouse=True)
def own_locks(request, monkeypatch) -> None:
    """Let a thread that waits for a lock it holds itself fail at once; only step 5 has more threads than one."""
    if not request.node.get_closest_marker("threads"):
        monkeypatch.setattr(threading, "Lock", ReplacedLock)
        monkeypatch.setattr(threading, "RLock", ReplacedRLock)


def counters_of(registry: Registry) -> dict[str, float]:
    return registry.snapshot()["counters"]


def histogram_of(registry: Registry, key: str) -> dict:
    found = registry.snapshot()["histograms"]
    if key not in found:
        fail(
            called=f'snapshot()["histograms"] after observing into {key}',
            got=sorted(found),
            expected=f"the key {key}, as series_key prints it",
            costs="latency that was measured is on no dashboard",
        )
    return found[key]


# Step 1: labelled counters


@pytest.mark.step(1, "labelled counters")
def test_labels_in_any_order_give_one_key():
    """The key has its labels sorted, whatever the order of the mapping."""
    want = 'jobs_total{attempt="3",queue="text",status="failed"}'
    for labels in (
        {"attempt": "3", "queue": "text", "status": "failed"},
        {"status": "failed", "queue": "text", "attempt": "3"},
        {"queue": "text", "status": "failed", "attempt": "3"},
    ):
        got = series_key("jobs_total", labels)
        assert got == want, explain(
            called=f'series_key("jobs_total", {labels})',
            got=got,
            expected=want,
            costs="two callers that write the same labels in another order feed two series, and an alert watches one",
        )


@pytest.mark.step(1, "labelled counters")
def test_label_names_that_differ_in_case_are_two_and_sorted():
    """Capital letters come before small ones, as Python and Prometheus order them, whatever the mapping's order."""
    want = 'jobs_total{Queue="A",queue="a"}'
    for labels in (
        {"queue": "a", "Queue": "A"},
        {"Queue": "A", "queue": "a"},
    ):
        got = series_key("jobs_total", labels)
        assert got == want, explain(
            called=f'series_key("jobs_total", {labels})',
            got=got,
            expected=want,
            costs="names that are equal but for their case stand in the caller's order: two series for one",
        )


@pytest.mark.step(1, "labelled counters")
def test_names_are_sorted_and_not_what_is_printed():
    """A name stands before a longer one that begins with it: `code` before `code2`, though "2" comes before "=".

    Costs: two programs that share a dashboard print one series in two ways.
    """
    labels = {"code2": "b", "code": "a"}
    got, want = series_key("jobs_total", labels), 'jobs_total{code="a",code2="b"}'
    assert got == want, explain(
        called=f'series_key("jobs_total", {labels})',
        got=got,
        expected=want,
        costs="sorted by `code2=` and `code=`, the key is another than every other program's for the same series",
    )


@pytest.mark.step(1, "labelled counters")
def test_no_labels_give_the_bare_name():
    """None and an empty mapping give the bare name."""
    for labels in (
        None,
        {},
    ):
        got = series_key("up_total", labels)
        assert got == "up_total", explain(
            called=f'series_key("up_total", {labels})',
            got=got,
            expected="up_total",
            costs="the same counter is kept twice, with and without empty braces",
        )


@pytest.mark.step(1, "labelled counters")
def test_label_values_are_escaped():
    """Backslash, double quote and line feed are escaped, nothing else."""
    for value, printed in (
        ('say "hi"', r"say \"hi\""),
        ("C:\\jobs", r"C:\\jobs"),
        ("two\nlines", r"two\nlines"),
        ('\\"\n', r"\\\"\n"),
        ("", ""),
        ("a,b={c}\t é'%", "a,b={c}\t é'%"),
    ):
        got, want = series_key("errors_total", {"why": value}), f'errors_total{{why="{printed}"}}'
        assert got == want, explain(
            called=f'series_key("errors_total", {{"why": {value!r}}})',
            got=got,
            expected=want,
            costs="one error text with a quote in it makes the scrape unreadable, for every metric of the process",
        )


@pytest.mark.step(1, "labelled counters")
def test_increments_add_up_for_each_series():
    """Each series adds up its own increments; one that was never incremented is 0.0."""
    registry = Registry()
    registry.inc("jobs_total", {"status": "ok"})
    registry.inc("jobs_total", {"status": "ok"}, 2.5)
    registry.inc("jobs_total", {"status": "failed"})
    registry.inc("jobs_total", amount=8.0)
    registry.inc("jobs_total", {"status": "ok"}, 0.0)
    registry.inc("retries_total", {"status": "ok"}, 16.0)
    for name, labels, want in (
        ("jobs_total", {"status": "ok"}, 3.5),
        ("jobs_total", {"status": "failed"}, 1.0),
        ("jobs_total", None, 8.0),
        ("jobs_total", {}, 8.0),
        ("retries_total", {"status": "ok"}, 16.0),
        ("jobs_total", {"status": "never seen"}, 0.0),
        ("jobs_total", {"state": "ok"}, 0.0),
        ("never_seen_total", None, 0.0),
    ):
        got = registry.value(name, labels)
        assert got == want, explain(
            called=f'value("{name}", {labels}) after ok +1 +2.5 +0, failed +1, no labels +8, retries ok +16',
            got=got,
            expected=want,
            costs="increments land in another series than their own, or vanish",
        )


@pytest.mark.step(1, "labelled counters")
def test_increments_with_labels_in_another_order_share_a_series():
    """The order of the labels makes no difference to inc() and value()."""
    registry = Registry()
    registry.inc("jobs_total", {"queue": "mail", "status": "ok"})
    registry.inc("jobs_total", {"status": "ok", "queue": "mail"})
    for labels in ({"queue": "mail", "status": "ok"}, {"status": "ok", "queue": "mail"}):
        got = registry.value("jobs_total", labels)
        assert got == 2.0, explain(
            called=f'value("jobs_total", {labels}) after one inc in each order of the labels',
            got=got,
            expected=2.0,
            costs="half of the jobs are on a line that nobody looks at",
        )


@pytest.mark.step(1, "labelled counters")
def test_different_label_sets_stay_apart():
    """Two different label sets are two series, whatever their values contain."""
    for one, other in (
        ({"a": 'x",b="y'}, {"a": "x", "b": "y"}),
        ({"a": "x,b=y"}, {"a": "x", "b": "y"}),
        ({"a": "one\ntwo"}, {"a": r"one\ntwo"}),
        ({"a": '"'}, {"a": r"\""}),
        ({"a": "b", "c": "d"}, {"a": "d", "c": "b"}),
        ({"a": "A"}, {"a": "a"}),
        ({"a": " "}, {"a": ""}),
    ):
        registry = Registry()
        registry.inc("jobs_total", one, 1.0)
        registry.inc("jobs_total", other, 2.0)
        got = [registry.value("jobs_total", labels) for labels in (one, other)]
        assert got == [1.0, 2.0], explain(
            called=f"value of both after inc 1 with {one} and inc 2 with {other}",
            got=got,
            expected=[1.0, 2.0],
            costs="whoever controls one label value can write into other people's series",
        )


@pytest.mark.step(1, "labelled counters")
def test_negative_amount_is_refused_and_changes_nothing():
    """inc() with a negative amount raises ValueError and changes nothing."""
    registry = Registry()
    registry.inc("jobs_total", None, 4.0)
    with contextlib.suppress(ValueError):
        registry.inc("jobs_total", None, -1.0)
        fail(
            called='inc("jobs_total", None, -1.0)',
            got="no exception",
            expected="ValueError",
            costs="a counter that goes down looks like a restart, and rate() invents traffic that never was",
        )
    got = registry.value("jobs_total")
    assert got == 4.0, explain(
        called='value("jobs_total") after +4 and a refused -1',
        got=got,
        expected=4.0,
        costs="the refusal was logged and the number is wrong all the same",
    )


@pytest.mark.step(1, "labelled counters")
def test_two_registries_do_not_share_series():
    """Each registry has its own series."""
    one, other = Registry(), Registry()
    one.inc("jobs_total")
    got = other.value("jobs_total")
    assert got == 0.0, explain(
        called="value on one Registry() after inc on another",
        got=got,
        expected=0.0,
        costs="tests see each other's counts, and so do two services in one process",
    )


# Step 2: snapshot and guard


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_snapshot_holds_every_counter_under_its_key():
    """snapshot()["counters"] holds every counter under its series key."""
    registry = Registry()
    registry.inc("jobs_total", {"status": "ok", "queue": "mail"}, 3.0)
    registry.inc("jobs_total", {"queue": "mail", "status": "ok"}, 1.0)
    registry.inc("up_total")
    got, want = counters_of(registry), {'jobs_total{queue="mail",status="ok"}': 4.0, "up_total": 1.0}
    assert got == want, explain(
        called='snapshot()["counters"]',
        got=got,
        expected=want,
        costs="what was counted cannot be read",
    )


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_asking_and_refusing_create_no_series():
    """value() and a refused inc() create no series."""
    registry = Registry()
    registry.value("jobs_total", {"status": "ok"})
    with contextlib.suppress(ValueError):
        registry.inc("jobs_total", {"status": "ok"}, -1.0)
    got = counters_of(registry)
    assert got == {}, explain(
        called='snapshot()["counters"] after value() and a refused inc() on an empty registry',
        got=got,
        expected={},
        costs="whoever asks about a series makes one: a dashboard that polls is a memory leak",
    )


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_later_increments_do_not_show_in_a_snapshot():
    """A snapshot does not change when the registry does."""
    registry = Registry()
    registry.inc("jobs_total")
    before = registry.snapshot()
    registry.inc("jobs_total")
    registry.inc("errors_total")
    got = before["counters"]
    assert got == {"jobs_total": 1.0}, explain(
        called="a snapshot taken before two further increments",
        got=got,
        expected={"jobs_total": 1.0},
        costs="a scrape that is being printed changes under the printer: counts that do not belong together, "
        "or 'dictionary changed size during iteration'",
    )


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_changing_a_snapshot_does_not_change_the_registry():
    """The registry does not change when a snapshot does."""
    registry = Registry()
    registry.inc("jobs_total", None, 5.0)
    mine = registry.snapshot()
    with contextlib.suppress(TypeError, AttributeError):  # a copy that refuses to be changed is a copy, too
        mine["counters"]["jobs_total"] = 99.0
        mine["counters"]["invented_total"] = 1.0
    with contextlib.suppress(TypeError, AttributeError):
        mine["counters"].pop("jobs_total")
    got = {"value": registry.value("jobs_total"), "snapshot": counters_of(registry)}
    want = {"value": 5.0, "snapshot": {"jobs_total": 5.0}}
    assert got == want, explain(
        called='value("jobs_total") and snapshot()["counters"] after the caller changed an earlier snapshot',
        got=got,
        expected=want,
        costs="code that only reads metrics can write them; the inner dicts need a copy as well as the outer one",
    )


def overflowing(caplog, registry: Registry, incs: list[tuple[str, dict | None]]) -> list[str]:
    """Make the increments and return the warnings that they logged."""
    with caplog.at_level(logging.WARNING), warnings.catch_warnings(record=True) as instead:
        warnings.simplefilter("always")
        for name, labels in incs:
            registry.inc(name, labels)
    if instead:
        fail(
            called=f"inc with a label set beyond max_series of {incs[-1][0]}",
            got=f"warnings.warn({str(instead[0].message)!r})",
            expected="log.warning(…)",
            costs="warnings.warn goes to standard error once a place in the code, not to the service's log",
        )
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_series_beyond_the_limit_share_one_overflow_series(caplog):
    """Beyond max_series, everything is counted in the one overflow series."""
    registry = Registry(max_series=3)
    overflowing(caplog, registry, [("jobs_total", {"user": str(n)}) for n in range(10)])
    got = counters_of(registry)
    want = {f'jobs_total{{user="{n}"}}': 1.0 for n in range(3)} | {'jobs_total{overflow="true"}': 7.0}
    assert got == want, explain(
        called='snapshot()["counters"] after one inc for each of 10 users, max_series=3',
        got=got,
        expected=want,
        costs="every user, request id or URL is a series for ever: memory grows until the process is killed; "
        "or, if what is beyond the limit is dropped, the totals are wrong",
    )


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_default_limit_is_a_thousand_series_a_name(caplog):
    """Registry() gives each name 1,000 series of its own."""
    registry = Registry()
    overflowing(caplog, registry, [("jobs_total", {"user": str(n)}) for n in range(1002)])
    got = (len(counters_of(registry)), registry.value("jobs_total", {"overflow": "true"}))
    assert got == (1001, 2.0), explain(
        called="(series, increments in overflow) after one inc for each of 1,002 users of Registry()",
        got=got,
        expected=(1001, 2.0),
        costs="whoever gives no limit has none",
    )


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_existing_series_go_on_after_an_overflow(caplog):
    """Series that exist go on counting after an overflow."""
    registry = Registry(max_series=2)
    users = ["ann", "bob", "eve", "ann", "eve", "bob", "ann"]
    overflowing(caplog, registry, [("jobs_total", {"user": user}) for user in users])
    got = {user: registry.value("jobs_total", {"user": user}) for user in ("ann", "bob", "eve")}
    got["overflow"] = registry.value("jobs_total", {"overflow": "true"})
    want = {"ann": 3.0, "bob": 2.0, "eve": 0.0, "overflow": 2.0}
    assert got == want, explain(
        called=f"value for each user after {', '.join(users)} with max_series=2",
        got=got,
        expected=want,
        costs="series that were there first stop counting when a stranger arrives, and their alerts go quiet",
    )


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_overflow_of_one_name_leaves_other_names_alone(caplog):
    """The limit is for each metric name by itself."""
    for name in ("errors_total", "jobs"):  # the second is how the other one begins
        registry = Registry(max_series=2)
        overflowing(caplog, registry, [("jobs_total", {"user": str(n)}) for n in range(5)])
        overflowing(caplog, registry, [(name, None), (name, {"why": "timeout"})])
        got = {key: total for key, total in counters_of(registry).items() if not key.startswith("jobs_total")}
        want = {name: 1.0, f'{name}{{why="timeout"}}': 1.0}
        assert got == want, explain(
            called=f"the series of {name} (2 label sets, max_series=2) after jobs_total has overflowed",
            got=got,
            expected=want,
            costs="one careless label hides every metric that is recorded for the first time after it",
        )


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_first_overflow_of_a_name_warns_once(caplog):
    """One warning that contains the name, at its first overflow."""
    registry = Registry(max_series=2)
    quiet = overflowing(caplog, registry, [("jobs_total", {"user": str(n)}) for n in (0, 1, 0, 1)])
    assert quiet == [], explain(
        called="the warnings while jobs_total has exactly max_series=2 series",
        got=quiet,
        expected=[],
        costs="a warning about a limit that was kept teaches people to ignore warnings",
    )
    got = overflowing(caplog, registry, [("jobs_total", {"user": str(n)}) for n in range(2, 50)])
    assert len(got) == 1, explain(
        called="the warnings after 48 further users of jobs_total, max_series=2",
        got=f"{len(got)} warnings" + (f", the first: {got[0]}" if got else ""),
        expected="1 warning",
        costs="none: nobody learns why the detail is gone; one for each increment: the log floods "
        "at the rate of the traffic",
    )
    assert "jobs_total" in got[0], explain(
        called="the warning about the overflow of jobs_total",
        got=got[0],
        expected="a text that names jobs_total",
        costs="the log says that something overflowed, and not where to look",
    )
    records = [(record.name, record.levelname) for record in caplog.records if record.levelno >= logging.WARNING]
    assert records == [("metrics", "WARNING")], explain(
        called="logger and level of the warning about the overflow of jobs_total",
        got=records,
        expected=[("metrics", "WARNING")],
        costs="an error wakes somebody at night for a label; a record of the root logger is in no setting for metrics",
    )


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_series_without_labels_counts_towards_the_limit(caplog):
    """No labels are a label set like any other: it takes a place, and beyond the limit it gets none."""
    for first, second in (({"user": "ann"}, None), (None, {"user": "ann"})):
        registry = Registry(max_series=1)
        overflowing(caplog, registry, [("jobs_total", first), ("jobs_total", second)])
        got = counters_of(registry)
        want = {series_key("jobs_total", first): 1.0, 'jobs_total{overflow="true"}': 1.0}
        assert got == want, explain(
            called=f'snapshot()["counters"] after inc of jobs_total with {first}, then with {second}, max_series=1',
            got=got,
            expected=want,
            costs="the limit that was set is not the limit that holds",
        )


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_each_name_and_each_registry_warns_for_itself(caplog):
    """Each name warns once in each registry."""
    for turn in ("first", "second"):
        registry = Registry(max_series=1)
        caplog.clear()
        incs = [(name, {"user": str(n)}) for n in range(4) for name in ("jobs_total", "errors_total")]
        got = overflowing(caplog, registry, incs)
        named = Counter(name for text in got for name in ("jobs_total", "errors_total") if name in text)
        want = {"jobs_total": 1, "errors_total": 1}
        assert named == want, explain(
            called=f"warnings by name after jobs_total and errors_total overflowed in the {turn} registry",
            got=dict(named),
            expected=want,
            costs="the second metric with an unbounded label goes unnoticed because the first one was reported",
        )


@pytest.mark.step(2, "snapshot and cardinality guard")
def test_limit_below_one_is_refused():
    """Registry(max_series=…) below 1 raises ValueError."""
    for max_series in (
        0,
        -1,
    ):
        with contextlib.suppress(ValueError):
            Registry(max_series=max_series)
            fail(
                called=f"Registry(max_series={max_series})",
                got="no exception",
                expected="ValueError",
                costs="a typing error in the configuration puts every counter into overflow, and nothing says so",
            )


# Step 3: histogram


@pytest.mark.step(3, "histogram")
def test_buckets_are_cumulative_and_end_in_infinity():
    """Buckets are cumulative and end in math.inf; sum and count are right."""
    registry = Registry(bounds=(0.25, 1.0, 4.0))
    for value in (0.125, 0.5, 0.5, 2.0, 64.0):
        registry.observe("wait_seconds", value)
    got = histogram_of(registry, "wait_seconds")
    want = {"buckets": {0.25: 1, 1.0: 3, 4.0: 4, math.inf: 5}, "sum": 67.125, "count": 5}
    assert got == want, explain(
        called='snapshot()["histograms"]["wait_seconds"] after 0.125, 0.5, 0.5, 2.0, 64.0 with bounds (0.25, 1, 4)',
        got=got,
        expected=want,
        costs="histogram_quantile() computes percentiles from these counts; wrong counts draw a plausible, wrong p99",
    )


@pytest.mark.step(3, "histogram")
def test_value_equal_to_a_bound_is_in_its_bucket():
    """A value equal to a bound is in its bucket."""
    registry = Registry(bounds=(0.25, 1.0, 4.0))
    for value in (0.25, 1.0, 4.0, -8.0):
        registry.observe("wait_seconds", value)
    got = histogram_of(registry, "wait_seconds")
    want = {"buckets": {0.25: 2, 1.0: 3, 4.0: 4, math.inf: 4}, "sum": -2.75, "count": 4}
    assert got == want, explain(
        called="the histogram after 0.25, 1.0, 4.0 and -8.0 with bounds (0.25, 1, 4)",
        got=got,
        expected=want,
        costs="le means 'at most': a request that meets its objective of 250 ms exactly is counted as too slow",
    )


@pytest.mark.step(3, "histogram")
def test_histogram_series_are_apart_by_labels():
    """Each label set is a histogram of its own, under its series key."""
    registry = Registry(bounds=(1.0,))
    registry.observe("wait_seconds", 0.5, {"queue": "mail", "kind": "bulk"})
    registry.observe("wait_seconds", 2.0, {"kind": "bulk", "queue": "mail"})
    registry.observe("wait_seconds", 4.0, {"queue": "text", "kind": "bulk"})
    registry.observe("wait_seconds", 8.0)
    registry.observe("run_seconds", 16.0)
    got = registry.snapshot()["histograms"]
    want = {
        'wait_seconds{kind="bulk",queue="mail"}': {"buckets": {1.0: 1, math.inf: 2}, "sum": 2.5, "count": 2},
        'wait_seconds{kind="bulk",queue="text"}': {"buckets": {1.0: 0, math.inf: 1}, "sum": 4.0, "count": 1},
        "wait_seconds": {"buckets": {1.0: 0, math.inf: 1}, "sum": 8.0, "count": 1},
        "run_seconds": {"buckets": {1.0: 0, math.inf: 1}, "sum": 16.0, "count": 1},
    }
    assert got == want, explain(
        called='snapshot()["histograms"] after five observations in four series',
        got=got,
        expected=want,
        costs="the latency of one queue is drawn into another's",
    )


@pytest.mark.step(3, "histogram")
def test_default_bounds_are_used():
    """Registry() has the buckets of DEFAULT_BOUNDS."""
    registry = Registry()
    registry.observe("wait_seconds", 0.25)
    got = histogram_of(registry, "wait_seconds")["buckets"]
    bounds = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, math.inf)
    want = {bound: int(bound >= 0.25) for bound in bounds}
    assert got == want, explain(
        called="buckets of Registry() after observing 0.25",
        got=got,
        expected=want,
        costs="histograms with different buckets cannot be added up over a fleet",
    )


@pytest.mark.step(3, "histogram")
def test_histograms_in_a_snapshot_are_copies():
    """Histograms in a snapshot are copies, down to the buckets."""
    registry = Registry(bounds=(1.0,))
    registry.observe("wait_seconds", 0.5)
    before = registry.snapshot()
    registry.observe("wait_seconds", 0.5)
    registry.observe("run_seconds", 0.5)
    got = before["histograms"]
    want = {"wait_seconds": {"buckets": {1.0: 1, math.inf: 1}, "sum": 0.5, "count": 1}}
    assert got == want, explain(
        called="a snapshot taken before two further observations",
        got=got,
        expected=want,
        costs="buckets, sum and count of one scrape come from different moments",
    )
    with contextlib.suppress(TypeError, AttributeError):
        before["histograms"]["wait_seconds"]["buckets"][1.0] = 99
    with contextlib.suppress(TypeError, AttributeError):
        before["histograms"]["wait_seconds"]["sum"] = 99.0
    with contextlib.suppress(TypeError, AttributeError):
        before["histograms"].clear()
    got = histogram_of(registry, "wait_seconds")
    want = {"buckets": {1.0: 2, math.inf: 2}, "sum": 1.0, "count": 2}
    assert got == want, explain(
        called="the registry's own histogram after the caller changed an earlier snapshot, innermost dict included",
        got=got,
        expected=want,
        costs="code that only reads metrics can write them: a copy of the outer dicts still shares the buckets",
    )


@pytest.mark.step(3, "histogram")
def test_guard_bounds_histograms_too(caplog):
    """The guard holds for histograms, for each name by itself."""
    registry = Registry(max_series=2, bounds=(1.0,))
    with caplog.at_level(logging.WARNING):
        for n in range(6):
            registry.observe("wait_seconds", 0.5, {"user": str(n)})
            registry.observe("run_seconds", 0.5, {"user": str(n % 2)})
    got = {key: state["count"] for key, state in registry.snapshot()["histograms"].items()}
    want = {
        'wait_seconds{user="0"}': 1,
        'wait_seconds{user="1"}': 1,
        'wait_seconds{overflow="true"}': 4,
        'run_seconds{user="0"}': 3,
        'run_seconds{user="1"}': 3,
    }
    assert got == want, explain(
        called="count of every histogram series after 6 users in wait_seconds and 2 in run_seconds, max_series=2",
        got=got,
        expected=want,
        costs="a histogram is a dozen series for each label set: the unbounded label hurts here first",
    )
    got = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(got) == 1 and "wait_seconds" in got[0], explain(  # noqa: PT018
        called="the warnings while wait_seconds overflowed four times",
        got=got,
        expected="one, which contains wait_seconds",
        costs="nobody learns why the detail is gone, or the log floods at the rate of the traffic",
    )


@pytest.mark.step(3, "histogram")
def test_bounds_out_of_order_or_not_finite_are_refused():
    """Bounds that are not finite, not strictly increasing, or not there raise ValueError."""
    for bounds in (
        (),
        (1.0, 1.0),
        (2.0, 1.0),
        (1.0, math.inf),
        (math.nan,),
        (1.0, math.nan, 2.0),
    ):
        with contextlib.suppress(ValueError):
            Registry(bounds=bounds)
            fail(
                called=f"Registry(bounds={bounds})",
                got="no exception",
                expected="ValueError",
                costs="buckets that overlap or repeat are found when somebody needs a percentile, not before",
            )


@pytest.mark.step(3, "histogram")
def test_bounds_at_and_below_zero_are_bounds():
    """A bound may have either sign: what is observed may be a difference."""
    registry = Registry(bounds=(-1.0, 0.0, 1.0))
    for value in (-2.0, -0.5, 0.0, 0.5):
        registry.observe("drift_seconds", value)
    got = histogram_of(registry, "drift_seconds")
    want = {"buckets": {-1.0: 1, 0.0: 3, 1.0: 4, math.inf: 4}, "sum": -2.0, "count": 4}
    assert got == want, explain(
        called="the histogram after -2, -0.5, 0 and 0.5 with bounds (-1, 0, 1)",
        got=got,
        expected=want,
        costs="how far a clock is off, or a forecast, cannot be measured",
    )


# Step 4: exposition


class Sample(NamedTuple):
    line: int
    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\\n]|\\.)*")*)\})? (\S+)')
PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
UNREADABLE = (
    "one line that cannot be read costs the whole scrape: every metric of the process is missing from the graphs"
)


def read(text: str) -> tuple[dict[str, str], list[Sample]]:
    """Read an exposition strictly: types by name, and samples in the order in which they stand there."""
    if not isinstance(text, str):
        fail(called="exposition()", got=text, expected="a str", costs=UNREADABLE)
    if text and not text.endswith("\n"):
        fail(
            called="the end of exposition()",
            got=repr(text[-20:]),
            expected="a line feed after the last line, too",
            costs="a text without its last line feed cannot be told from one that was cut off; servers refuse both",
        )
    types: dict[str, str] = {}
    samples: list[Sample] = []
    for number, line in enumerate(text.split("\n")[:-1], 1):
        if line.startswith("# TYPE "):
            _, _, name, kind = (*line.split(" "), "", "")[:4]
            if name in types:
                fail(
                    called=f"line {number} of exposition()",
                    got=line,
                    expected=f"one TYPE line for {name}, before its first series",
                    costs=UNREADABLE,
                )
            types[name] = kind
        elif line.strip() and not line.startswith("#"):
            samples.append(sample(number, line))
    return types, samples


def sample(number: int, line: str) -> Sample:
    found = SAMPLE.fullmatch(line)
    if not found:
        fail(
            called=f"line {number} of exposition()",
            got=line,
            expected='name{label="value",…} number, with the label values escaped',
            costs=UNREADABLE,
        )
    name, inside, printed = found.groups()
    labels, at = [], 0
    while inside and at < len(inside):
        pair = PAIR.match(inside, at)
        if not pair:
            fail(
                called=f"the labels in line {number} of exposition()",
                got=inside,
                expected=r'label="value" pairs, comma between, \ " and line feed escaped',
                costs=UNREADABLE,
            )
        value = re.sub(r"\\(.)", lambda escape: {"n": "\n"}.get(escape[1], escape[1]), pair[2])
        labels.append((pair[1], value))
        at = pair.end()
    try:
        value = float(printed)
    except ValueError:
        fail(called=f"the number in line {number} of exposition()", got=line, expected="a float", costs=UNREADABLE)
    if len({label for label, _ in labels}) < len(labels):
        fail(called=f"line {number} of exposition()", got=line, expected="each label once", costs=UNREADABLE)
    return Sample(number, name, tuple(sorted(labels)), value)


def family(name: str, types: dict[str, str]) -> str:
    """Find the metric that a sample belongs to: its own name, or a histogram's name and a suffix."""
    for suffix in ("_bucket", "_sum", "_count"):
        stem = name.removesuffix(suffix)
        if stem != name and types.get(stem) == "histogram":
            return stem
    return name


def checked(text: str) -> tuple[dict[str, str], dict[tuple, float]]:
    """Check what every exposition must keep, and return the types and the samples."""
    types, samples = read(text)
    values: dict[tuple, float] = {}
    families: list[str] = []
    for found in samples:
        series = (found.name, found.labels)
        if series in values:
            fail(
                called=f"line {found.line} of exposition()",
                got=f"{found.name} with {dict(found.labels)} a second time",
                expected="each series once",
                costs="the server keeps one of the two numbers, or refuses the scrape",
            )
        values[series] = found.value
        name = family(found.name, types)
        if not families or families[-1] != name:
            families.append(name)
        if name not in types:
            fail(
                called=f"line {found.line} of exposition()",
                got=f"{found.name} without a TYPE line for {name}",
                expected=f"# TYPE {name} counter, or histogram, before it",
                costs="the metric is untyped: functions for histograms and counters have nothing to go by",
            )
    repeated = [name for name, times in Counter(families).items() if times > 1]
    assert not repeated, explain(
        called="the order of lines in exposition()",
        got=f"the series of {', '.join(repeated)} are in several places",
        expected="all series of a name in one piece",
        costs="the format demands it; readers that stream the text take the second piece for a repetition",
    )
    check_histograms(types, samples)
    return types, values


def check_histograms(types: dict[str, str], samples: list[Sample]) -> None:
    buckets: dict[tuple, list[tuple[float, float, tuple]]] = {}
    counts = {}
    for found in samples:
        name = family(found.name, types)
        if types[name] != "histogram":
            continue
        rest = tuple(pair for pair in found.labels if pair[0] != "le")
        if found.name == name + "_bucket":
            bound = float(dict(found.labels).get("le", "nan"))
            buckets.setdefault((name, rest), []).append((bound, found.value, found.labels))
        elif found.name == name + "_count":
            counts[name, rest] = found.value
    for (name, labels), rows in buckets.items():
        bounds, numbers = [row[0] for row in rows], [row[1] for row in rows]
        assert bounds == sorted(bounds), explain(
            called=f"le of the buckets of {name} {dict(labels)}",
            got=bounds,
            expected="ascending",
            costs="the format demands ascending bounds; readers that stream the text interpolate wrongly",
        )
        assert bounds[-1] == math.inf, explain(
            called=f"the last bucket of {name} {dict(labels)}",
            got=f"le={bounds[-1]}",
            expected='le="+Inf"',
            costs="histogram_quantile() has no total to go by and answers NaN",
        )
        last = next(text for label, text in rows[-1][2] if label == "le")
        assert last == "+Inf", explain(
            called=f"how the last bucket of {name} {dict(labels)} is printed",
            got=f'le="{last}"',
            expected='le="+Inf"',
            costs='a rule that asks for le="+Inf", as they all do, finds nothing',
        )
        assert numbers == sorted(numbers), explain(
            called=f"counts of the buckets of {name} {dict(labels)}",
            got=numbers,
            expected="each at least the one before: buckets are cumulative",
            costs="percentiles are computed from the differences, and a negative one draws nonsense",
        )
        count = counts.get((name, labels))
        assert count == numbers[-1], explain(
            called=f"{name}_count {dict(labels)}",
            got=count,
            expected=f'{numbers[-1]:g}, as in the bucket le="+Inf"',
            costs="averages and percentiles of the same histogram disagree",
        )


def by_name(values: dict[tuple, float]) -> dict[str, float]:
    """Show samples readably: `name{label=value}`; the bound as a number, so that 1 and 1.0 are the same."""
    shown = {}
    for (name, labels), value in values.items():
        inside = ",".join(f"{label}={float(text) if label == 'le' else text}" for label, text in labels)
        shown[f"{name}{{{inside}}}" if inside else name] = value
    return shown


@pytest.mark.step(4, "text exposition")
def test_counters_are_printed_as_they_were_recorded():
    """Every counter is printed, with its type, labels and number."""
    registry = Registry()
    registry.inc("jobs_total", {"status": "ok", "queue": "mail"}, 3.0)
    registry.inc("jobs_total", {"queue": "mail", "status": "failed"})
    registry.inc("up_total")
    types, values = checked(registry.exposition())
    got = (types, by_name(values))
    want = (
        {"jobs_total": "counter", "up_total": "counter"},
        {"jobs_total{queue=mail,status=ok}": 3.0, "jobs_total{queue=mail,status=failed}": 1.0, "up_total": 1.0},
    )
    assert got == want, explain(
        called="exposition(), read back: types and samples",
        got=got,
        expected=want,
        costs="what was counted does not reach the dashboard",
    )


@pytest.mark.step(4, "text exposition")
def test_histograms_are_printed_as_they_were_recorded():
    """Every histogram is printed: buckets, sum and count."""
    registry = Registry(bounds=(0.1, 1.0, 300.0))
    for value in (0.0625, 0.5, 2.0, 512.0):
        registry.observe("wait_seconds", value, {"queue": "mail"})
    registry.observe("run_seconds", 0.5)
    types, values = checked(registry.exposition())
    got = (types, by_name(values))
    want = (
        {"run_seconds": "histogram", "wait_seconds": "histogram"},
        {
            "wait_seconds_bucket{le=0.1,queue=mail}": 1.0,
            "wait_seconds_bucket{le=1.0,queue=mail}": 2.0,
            "wait_seconds_bucket{le=300.0,queue=mail}": 3.0,
            "wait_seconds_bucket{le=inf,queue=mail}": 4.0,
            "wait_seconds_sum{queue=mail}": 514.5625,
            "wait_seconds_count{queue=mail}": 4.0,
            "run_seconds_bucket{le=0.1}": 0.0,
            "run_seconds_bucket{le=1.0}": 1.0,
            "run_seconds_bucket{le=300.0}": 1.0,
            "run_seconds_bucket{le=inf}": 1.0,
            "run_seconds_sum": 0.5,
            "run_seconds_count": 1.0,
        },
    )
    assert got == want, explain(
        called="exposition(), read back: types and samples",
        got=got,
        expected=want,
        costs="percentiles are computed from what is printed, not from what was measured",
    )


AWKWARD = ['say "hi"', "C:\\new", "two\nlines", "a,b={c} d", "one, two", "\\", '"', "é\u2028x\r", "", " ", "x # y"]


@pytest.mark.step(4, "text exposition")
def test_awkward_label_values_come_back_unchanged():
    """Quotes, backslashes and line feeds in label values survive the text."""
    registry = Registry(bounds=(1.0,))
    for number, value in enumerate(AWKWARD):
        labels = {"why": value, "also": value}
        registry.inc("errors_total", labels, 2.0**number)
        registry.observe("wait_seconds", 2.0**number, labels)
    _, values = checked(registry.exposition())
    both = [{label: dict(labels).get(label) for label in ("also", "why")} for _, labels in values]
    got = [labels for labels in both if labels["also"] != labels["why"]]
    assert got == [], explain(
        called="exposition(), read back: label sets recorded as {also: x, why: x} with the same x",
        got=got,
        expected="both labels equal in every sample",
        costs="an error message with a quote in it spills into the label beside it",
    )
    got = {dict(labels).get("why"): value for (name, labels), value in values.items() if name == "errors_total"}
    want = {value: 2.0**number for number, value in enumerate(AWKWARD)}
    assert got == want, explain(
        called="exposition(), read back: errors_total by its label",
        got=got,
        expected=want,
        costs="an error message with a quote in it hides all metrics, or is counted under another name",
    )
    got = {dict(labels).get("why"): value for (name, labels), value in values.items() if name == "wait_seconds_sum"}
    assert got == want, explain(
        called="exposition(), read back: wait_seconds_sum by its label",
        got=got,
        expected=want,
        costs="an error message with a quote in it hides all metrics, or is counted under another name",
    )


@pytest.mark.step(4, "text exposition")
def test_numbers_come_back_exactly():
    """Every number reads back exactly as recorded."""
    registry = Registry(bounds=(0.001, 1234567.5))
    recorded = [0.1, 1 / 3, 123456789.125, 2.0**53, 1e-9, 1e22, 0.0]
    for number, amount in enumerate(recorded):
        registry.inc("bytes_total", {"n": str(number)}, amount)
    registry.observe("size_bytes", 1 / 3)
    registry.observe("size_bytes", 123456789.0)
    _, values = checked(registry.exposition())
    got = [values.get(("bytes_total", (("n", str(number)),))) for number in range(len(recorded))]
    assert got == recorded, explain(
        called="exposition(), read back: counters with these amounts",
        got=got,
        expected=recorded,
        costs="a big counter printed with six digits stands still for a day, and rate() says that nothing happens",
    )
    got = sorted(float(dict(labels)["le"]) for (name, labels), _ in values.items() if name == "size_bytes_bucket")
    assert got == [0.001, 1234567.5, math.inf], explain(
        called="exposition(), read back: the bounds of a histogram with bounds (0.001, 1234567.5)",
        got=got,
        expected=[0.001, 1234567.5, math.inf],
        costs="a rule that asks for the bound in the configuration finds no such bucket",
    )
    got = values.get(("size_bytes_sum", ()))
    assert got == 123456789.0 + 1 / 3, explain(
        called="exposition(), read back: size_bytes_sum after 1/3 and 123456789",
        got=got,
        expected=123456789.0 + 1 / 3,
        costs="averages over a big sum are rounded away",
    )


def mixed(order: int) -> Registry:
    """Fill a registry with names that sort around each other, forwards or backwards."""
    registry = Registry(bounds=(0.5, 2.0))
    steps = [
        lambda: registry.inc("job", {"kind": "a"}),
        lambda: registry.inc("job", {"kind": "b"}),
        lambda: registry.inc("job"),
        lambda: registry.inc("job_errors_total", {"kind": "a"}),
        lambda: registry.observe("job_wait_seconds", 1.0, {"kind": "a"}),
        lambda: registry.observe("job_wait_seconds", 1.0),
        lambda: registry.inc("jobs_total", {"kind": "a"}),
        lambda: registry.inc("zeta_total"),
        lambda: registry.observe("alpha_seconds", 4.0),
        lambda: registry.observe("Zulu_seconds", 4.0),
    ]
    for step in steps[::order]:
        step()
    return registry


@pytest.mark.step(4, "text exposition")
def test_names_and_series_are_in_order():
    """Names ascend, and the series of a name ascend by key, in one piece."""
    types, samples = read(mixed(-1).exposition())
    checked(mixed(-1).exposition())
    assert list(types) == sorted(types), explain(
        called="the names in the TYPE lines of exposition()",
        got=list(types),
        expected=sorted(types),
        costs="two scrapes cannot be compared line by line",
    )
    got = [dict(found.labels) for found in samples if found.name == "job"]
    want = [{}, {"kind": "a"}, {"kind": "b"}]
    assert got == want, explain(
        called="the series of job in exposition(), in their order",
        got=got,
        expected=want,
        costs="two scrapes cannot be compared line by line",
    )


@pytest.mark.step(4, "text exposition")
def test_equal_content_gives_equal_text():
    """Equal content gives equal text, whatever was recorded first."""
    one, other = mixed(1).exposition(), mixed(-1).exposition()
    assert one == other, explain(
        called="exposition() of two registries with equal content, recorded in opposite order",
        got=other,
        expected=one,
        costs="two scrapes cannot be compared line by line",
    )


@pytest.mark.step(4, "text exposition")
def test_type_lines_stand_before_their_series():
    """One TYPE line for each name, before its first series."""
    text = mixed(1).exposition()
    types, samples = read(text)
    lines = text.split("\n")
    for name, kind in types.items():
        first = min((found.line for found in samples if family(found.name, types) == name), default=0)
        at = lines.index(f"# TYPE {name} {kind}") + 1
        assert 0 < at < first, explain(
            called=f"where the TYPE line of {name} stands in exposition()",
            got=f"line {at}, and its first series in line {first}",
            expected="before the first series",
            costs="the server has already filed the series as untyped when the type arrives",
        )
    got = {name: kind for name, kind in types.items() if kind not in ("counter", "histogram")}
    assert got == {}, explain(
        called="the types in exposition()",
        got=got,
        expected="counter or histogram",
        costs=UNREADABLE,
    )


@pytest.mark.step(4, "text exposition")
def test_empty_registry_gives_the_empty_text():
    """An empty registry gives the empty text."""
    got = Registry().exposition()
    assert got == "", explain(
        called="Registry().exposition()",
        got=repr(got),
        expected="''",
        costs="a blank line or a comment is harmless today and a parse error in the next reader",
    )
    registry = Registry()
    registry.value("jobs_total", {"status": "ok"})
    with contextlib.suppress(ValueError):
        registry.inc("errors_total", None, -1.0)
    got = registry.exposition()
    assert got == "", explain(
        called='exposition() after value("jobs_total", …) and a refused inc("errors_total", None, -1), nothing else',
        got=repr(got),
        expected="''",
        costs="names that were never counted stand in every scrape, one more for each typing error",
    )


@pytest.mark.step(4, "text exposition")
def test_series_stand_in_the_order_of_their_keys():
    """Within a name the series ascend by series key, as text."""
    registry = Registry(bounds=(1.0,))
    every = [{"queue": queue} for queue in ("a", "b", "a b", 'a"', "A")] + [{"queue": "a", "shard": "1"}]
    for labels in every:
        registry.inc("jobs_total", labels)
        registry.observe("wait_seconds", 0.5, labels)
    lines = registry.exposition().splitlines()
    for kind in ("jobs_total", "wait_seconds_count"):
        got = [line.rpartition(" ")[0] for line in lines if line.startswith(kind)]
        want = sorted(series_key(kind, labels) for labels in every)
        assert got == want, explain(
            called=f"the lines of {kind} in exposition(), without their numbers",
            got=got,
            expected=want,
            costs="two processes that hold the same print two texts, and a comparison of scrapes shows changes "
            "that are none",
        )


@pytest.mark.step(4, "text exposition")
def test_prometheus_client_reads_back_what_was_recorded():
    """prometheus_client's parser finds exactly what was recorded."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 (0.1 s, only here)

    registry = Registry(bounds=(0.5, 2.0))
    registry.inc("jobs_total", {"status": "ok", "why": 'a "b" \\ c\nd'}, 3.0)
    registry.inc("jobs_total", {"status": "failed", "why": ""}, 0.1)
    registry.inc("up_total")
    registry.observe("wait_seconds", 1.0, {"queue": "mail"})
    registry.observe("wait_seconds", 4.0, {"queue": "mail"})
    text = registry.exposition()
    try:
        families = list(text_string_to_metric_families(text))
    except ValueError as error:
        fail(
            called="prometheus_client's parser on exposition()", got=error, expected="a text it reads", costs=UNREADABLE
        )
    got = {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}
    mail = ("queue", "mail")
    want = {
        ("jobs_total", (("status", "ok"), ("why", 'a "b" \\ c\nd'))): 3.0,
        ("jobs_total", (("status", "failed"), ("why", ""))): 0.1,
        ("up_total", ()): 1.0,
        ("wait_seconds_bucket", (("le", "0.5"), mail)): 0.0,
        ("wait_seconds_bucket", (("le", "2.0"), mail)): 1.0,
        ("wait_seconds_bucket", (("le", "+Inf"), mail)): 2.0,
        ("wait_seconds_sum", (mail,)): 5.0,
        ("wait_seconds_count", (mail,)): 2.0,
    }
    assert by_name(got) == by_name(want), explain(
        called="prometheus_client's parser on exposition()",
        got=by_name(got),
        expected=by_name(want),
        costs="what was counted does not reach the dashboard",
    )
    got = {family.name: family.type for family in families}
    want = {"jobs": "counter", "up": "counter", "wait_seconds": "histogram"}
    assert got == want, explain(
        called="the types that prometheus_client's parser finds (it strips _total)",
        got=got,
        expected=want,
        costs="the metric is untyped: functions for histograms and counters have nothing to go by",
    )


# Step 5: threads


@pytest.fixture(scope="module")
def threaded() -> Generator[types.ModuleType]:
    """Load the learner's file once more while locks are replaced: a lock class that it keeps at import is ours, too."""
    with loaded_again(metrics) as module:
        yield module


def race(module, *, called, expected, costs, setup, one, other, check, pause=0) -> int:
    """Stop `one` at every instruction of the learner's file, run `other` there, and check what both left behind.

    With `pause`, `other` is stopped as well, before its store of that number; how many it makes is returned.
    """
    result = forced_switches(setup=setup, op_a=one, op_b=other, check=check, file=module, pause_b_before_store=pause)
    assert not result.broken, explain(called=called, got=result.story, expected=expected, costs=costs)
    return result.stores_in_b


def unless(want):
    """Make a check that compares: None when what was seen is what is wanted, else what was seen."""
    return lambda got: None if got == want else repr(got)


@pytest.mark.step(5, "safe under threads")
@pytest.mark.threads
@pytest.mark.parametrize("before", [0, 1], ids=["new-series", "existing-series"])
def test_no_increment_is_lost_between_two_threads(threaded, before):
    """Two threads that increment one series lose nothing."""

    def setup():
        registry = threaded.Registry()
        for _ in range(before):
            registry.inc("jobs_total")
        return registry

    race(
        threaded,
        called=f"inc() of one series in two threads, after {before} increments",
        expected=f"{before + 2.0}",
        costs="the busier the service, the more work is missing from its own count",
        setup=setup,
        one=lambda registry: registry.inc("jobs_total"),
        other=lambda registry: registry.inc("jobs_total"),
        check=lambda registry: unless(before + 2.0)(registry.value("jobs_total")),
    )


@pytest.mark.step(5, "safe under threads")
@pytest.mark.threads
@pytest.mark.parametrize("before", [0, 1], ids=["new-series", "existing-series"])
def test_no_observation_is_lost_between_two_threads(threaded, before):
    """Two threads that observe into one series lose nothing."""

    def setup():
        registry = threaded.Registry(bounds=(1.0,))
        for _ in range(before):
            registry.observe("wait_seconds", 0.5)
        return registry

    want = {"buckets": {1.0: before + 1, math.inf: before + 2}, "sum": before * 0.5 + 4.5, "count": before + 2}
    race(
        threaded,
        called=f"observe() of 0.5 and 4.0 in two threads, after {before} observations of 0.5",
        expected=repr(want),
        costs="slow requests come in bunches, and it is then that their latency goes missing",
        setup=setup,
        one=lambda registry: registry.observe("wait_seconds", 0.5),
        other=lambda registry: registry.observe("wait_seconds", 4.0),
        check=lambda registry: unless(want)(registry.snapshot()["histograms"].get("wait_seconds")),
    )


@pytest.mark.step(5, "safe under threads")
@pytest.mark.threads
def test_two_threads_that_meet_in_a_new_series_lose_nothing(threaded):
    """Two threads that both find a series missing, and are both interrupted, lose nothing."""
    for n in range(1, 20):
        stores = race(
            threaded,
            called="inc() of one new series in two threads, the second interrupted before it stores",
            expected="2.0",
            costs="each thread makes a lock of its own for the new series, and one of two updates is lost",
            setup=threaded.Registry,
            one=lambda registry: registry.inc("jobs_total"),
            other=lambda registry: registry.inc("jobs_total"),
            check=lambda registry: unless(2.0)(registry.value("jobs_total")),
            pause=n,
        )
        if stores < n:
            break


@pytest.mark.step(5, "safe under threads")
@pytest.mark.threads
@pytest.mark.parametrize("kind", ["counters", "histograms"])
def test_guard_holds_when_two_threads_meet_at_the_limit(threaded, kind, caplog):
    """Two threads that want the last free series: one gets it, the other goes to overflow."""

    def setup():
        registry = threaded.Registry(max_series=2, bounds=(1.0,))
        record(registry, "first")
        return registry

    def record(registry, user):
        if kind == "counters":
            registry.inc("jobs_total", {"user": user})
        else:
            registry.observe("jobs_total", 0.5, {"user": user})

    def check(registry):
        series = registry.snapshot()[kind]
        numbers = {key: found if kind == "counters" else found["count"] for key, found in series.items()}
        own = [key for key in numbers if "overflow" not in key]
        good = len(own) == 2 and sum(numbers.values()) == 3 and numbers.get('jobs_total{overflow="true"}') == 1
        return None if good else repr(numbers)

    race(
        threaded,
        called="two new label sets in two threads with room for one (max_series=2)",
        expected="2 series of their own, 1 in overflow, 3 in all",
        costs="a limit that holds only when nobody is in a hurry is no limit",
        setup=setup,
        one=lambda registry: record(registry, "ann"),
        other=lambda registry: record(registry, "bob"),
        check=check,
    )


@pytest.mark.step(5, "safe under threads")
@pytest.mark.threads
def test_two_threads_that_bring_one_label_set_take_one_place(threaded, caplog):
    """Two threads that both bring the same new label set use up one of the places, not two."""

    def check(registry):
        registry.inc("jobs_total", {"user": "bob"})
        return unless(1.0)(registry.value("jobs_total", {"user": "bob"}))

    race(
        threaded,
        called='one new label set in two threads, then user="bob" (max_series=2): value of user="bob"',
        expected="1.0, a series of its own",
        costs="places are used up by series that do not exist, and the next customer is shown as overflow",
        setup=lambda: threaded.Registry(max_series=2),
        one=lambda registry: registry.inc("jobs_total", {"user": "ann"}),
        other=lambda registry: registry.inc("jobs_total", {"user": "ann"}),
        check=check,
    )


@pytest.mark.step(5, "safe under threads")
@pytest.mark.threads
def test_two_threads_at_the_limit_warn_once(threaded, caplog):
    """Two threads that overflow a name first, together: one warning."""

    def setup():
        caplog.clear()
        registry = threaded.Registry(max_series=1)
        registry.inc("jobs_total", {"user": "first"})
        return registry

    race(
        threaded,
        called="the first two overflows of jobs_total in two threads: number of warnings",
        expected="1",
        costs="one warning for each thread, in a service with a hundred of them",
        setup=setup,
        one=lambda registry: registry.inc("jobs_total", {"user": "ann"}),
        other=lambda registry: registry.inc("jobs_total", {"user": "bob"}),
        check=lambda _: unless(1)(sum(record.levelno >= logging.WARNING for record in caplog.records)),
    )


def filled(module):
    """Make a registry with a series of each kind, and a list for what is read from it."""
    registry = module.Registry(bounds=(1.0,))
    registry.inc("jobs_total")
    registry.observe("wait_seconds", 0.5)
    return registry, []


def torn(snapshot) -> str | None:
    """Say which histogram's parts do not belong together: 0.5 and 4.0 seconds, of which the bound 1.0 parts them."""
    for key, state in snapshot["histograms"].items():
        small, count = state["buckets"][1.0], state["buckets"][math.inf]
        if state["count"] != count or state["sum"] != small * 0.5 + (count - small) * 4.0:
            return f"{key}: {state}"
    return None


def torn_text(values: dict[tuple, float]) -> str | None:
    """Say as `torn` does which histogram of an exposition that was read back does not belong together."""
    for (name, labels), total in values.items():
        if not name.endswith("_sum"):
            continue
        stem = name.removesuffix("_sum")
        small = sum(
            value
            for (other, its), value in values.items()
            if other == stem + "_bucket"
            and set(labels) < set(its)
            and len(its) == len(labels) + 1
            and float(dict(its)["le"]) == 1.0
        )
        count = values[stem + "_count", labels]
        if total != small * 0.5 + (count - small) * 4.0:
            return f"{stem} {dict(labels)}: {small:g} of {count:g} at most 1.0, sum {total}"
    return None


def updates(registry):
    registry.inc("jobs_total", {"status": "new"})
    registry.inc("errors_total")
    registry.observe("wait_seconds", 4.0)
    registry.observe("wait_seconds", 4.0, {"status": "new"})
    registry.observe("run_seconds", 4.0)


WHOLE = "a snapshot without an error, in which buckets, sum and count of each histogram belong together"
GAP = "the scrape fails, or mixes two moments, exactly when the service is busy"


@pytest.mark.step(5, "safe under threads")
@pytest.mark.threads
def test_snapshot_during_updates_sees_whole_series(threaded):
    """snapshot() during updates raises nothing and sees every histogram whole."""
    race(
        threaded,
        called="snapshot() in one thread, inc() and observe() of old and new series in another",
        expected=WHOLE,
        costs=GAP,
        setup=lambda: filled(threaded),
        one=lambda subject: subject[1].append(subject[0].snapshot()),
        other=lambda subject: updates(subject[0]),
        check=lambda subject: torn(subject[1][0]) or torn(subject[0].snapshot()),
    )


@pytest.mark.step(5, "safe under threads")
@pytest.mark.threads
def test_observation_during_a_snapshot_shows_wholly_or_not_at_all(threaded):
    """A half-made observation never shows in a snapshot."""
    race(
        threaded,
        called="observe() in one thread, snapshot() in another",
        expected=WHOLE,
        costs=GAP,
        setup=lambda: filled(threaded),
        one=lambda subject: subject[0].observe("wait_seconds", 4.0),
        other=lambda subject: subject[1].append(subject[0].snapshot()),
        check=lambda subject: torn(subject[1][0]) or torn(subject[0].snapshot()),
    )


@pytest.mark.step(5, "safe under threads")
@pytest.mark.threads
def test_exposition_during_updates_is_whole(threaded):
    """exposition() during updates raises nothing and prints every histogram whole."""

    def setup():
        registry = threaded.Registry(bounds=(1.0,))
        registry.observe("wait_seconds", 0.5)
        return registry, []

    def check(subject):
        _, values = checked(subject[1][0])
        return torn_text(values)

    race(
        threaded,
        called="exposition() in one thread, inc() and observe() of old and new series in another",
        expected="a text without an error, in which every histogram's buckets and count belong together",
        costs=GAP,
        setup=setup,
        one=lambda subject: subject[1].append(subject[0].exposition()),
        other=lambda subject: updates(subject[0]),
        check=check,
    )


@pytest.mark.step(5, "safe under threads")
@pytest.mark.threads
def test_value_during_updates_is_the_old_or_the_new_one(threaded):
    """value() during updates raises nothing and is the old or the new number."""
    race(
        threaded,
        called="value() in one thread, inc() of old and new series in another",
        expected="1.0 or 2.0",
        costs="a health check that reads one counter fails when the service is busy",
        setup=lambda: filled(threaded),
        one=lambda subject: subject[1].append(subject[0].value("jobs_total")),
        other=lambda subject: (subject[0].inc("jobs_total"), updates(subject[0])),
        check=lambda subject: None if subject[1][0] in (1.0, 2.0) else repr(subject[1][0]),
    )


# Stretch step 6: a fleet's totals


async def totals_of(network) -> dict[str, float]:
    stored = await network.raw().hgetall(TOTALS)
    return {key.decode(): float(total) for key, total in stored.items()}


@pytest.mark.step(6, "a fleet's totals", stretch=True)
async def test_flush_adds_what_was_counted_since_the_last_one(network, redis):
    """A flush adds the delta since the last one, and nothing if there is none."""
    registry = Registry()
    flusher = Flusher(registry, redis, "w1")
    registry.inc("jobs_total", {"status": "ok"}, 2.5)
    registry.inc("up_total")
    await flusher.flush()
    registry.inc("jobs_total", {"status": "ok"})
    registry.inc("errors_total", None, 4.0)
    await flusher.flush()
    got, want = await totals_of(network), {'jobs_total{status="ok"}': 3.5, "up_total": 1.0, "errors_total": 4.0}
    assert got == want, explain(
        called=f"{TOTALS} after +2.5, flush, +1, flush (and two other counters)",
        got=got,
        expected=want,
        costs="a flush that sends totals instead of deltas counts the same job again and again",
    )
    before = len(network.recording)
    await flusher.flush()
    got = await totals_of(network)
    assert got == want, explain(
        called=f"{TOTALS} after a further flush with nothing new",
        got=got,
        expected=want,
        costs="an idle fleet reports traffic",
    )
    sent = [
        exchange.command[0].decode().upper() for exchange in network.recording[before:] if exchange.client == "redis"
    ]
    got = [name for name in sent if name in ("EXEC", "SET", "SETEX", "HSET", "HINCRBY", "HINCRBYFLOAT")]
    assert got == [], explain(
        called="the writes that a flush with nothing new sends",
        got=got,
        expected=[],
        costs="an idle fleet keeps Redis, its log and its replicas busy",
    )


@pytest.mark.step(6, "a fleet's totals", stretch=True)
@for_seeds(10)
async def test_workers_that_flush_at_once_add_up(network):
    """Workers that flush at the same time add up."""

    async def work(number: int) -> None:
        registry = Registry()
        flusher = Flusher(registry, await network.client(f"w{number}"), f"w{number}")
        for turn in range(3):
            registry.inc("jobs_total", None, 2.0**turn)
            registry.inc("jobs_total", {"worker": str(number)})
            await flusher.flush()

    await asyncio.gather(*(work(number) for number in range(3)))
    got = await totals_of(network)
    want = {"jobs_total": 21.0} | {f'jobs_total{{worker="{number}"}}': 3.0 for number in range(3)}
    assert got == want, explain(
        called=f"{TOTALS} after 3 workers counted 1 + 2 + 4 each and flushed three times, at the same time",
        got=got,
        expected=want,
        costs="two workers read the same total, and the slower one overwrites what the faster one added",
    )


@pytest.mark.step(6, "a fleet's totals", stretch=True)
@for_seeds(10)
async def test_what_is_counted_during_a_flush_is_not_lost(network, redis):
    """What is counted while a flush is on its way goes out with a later one."""
    registry = Registry()
    flusher = Flusher(registry, redis, "w1")

    async def count() -> None:
        for _ in range(12):
            registry.inc("jobs_total")
            await asyncio.sleep(0.001)

    counting = asyncio.create_task(count())
    for _ in range(3):
        registry.inc("jobs_total")
        await flusher.flush()
    await counting
    await flusher.flush()
    got, want = (await totals_of(network)).get("jobs_total"), registry.value("jobs_total")
    assert got == want, explain(
        called=f"{TOTALS} after increments while flushes were on their way, and a last flush",
        got=got,
        expected=want,
        costs="what happens between the snapshot and the answer is taken for sent and is in no total",
    )


@pytest.mark.step(6, "a fleet's totals", stretch=True)
@pytest.mark.parametrize("effect", ["never_arrived", "reply_lost", "cancelled"])
async def test_each_delta_counts_once_whatever_breaks(network, effect):
    """Whatever breaks in a flush, after the next one every delta is in the totals once."""
    async for trial in network.every_point(effect, client="redis"):
        registry, neighbour = Registry(), Registry()
        flusher = Flusher(registry, trial.redis, "w1")
        other = Flusher(neighbour, await trial.client("w2"), "w2")
        registry.inc("jobs_total")
        registry.inc("errors_total", None, 0.5)
        outcome = await trial.attempt(flusher.flush())
        trial.heal()
        story = f"a flush ({effect} at point {trial.point})"
        if not outcome.broken:
            await compare(trial, story + " that returned", {"jobs_total": 1.0, "errors_total": 0.5})
        neighbour.inc("jobs_total", None, 64.0)
        await other.flush()
        registry.inc("jobs_total", None, 2.0)
        registry.inc("retries_total", None, 8.0)
        await flusher.flush()
        want = {"jobs_total": 67.0, "errors_total": 0.5, "retries_total": 8.0}
        await compare(trial, story + ", one of another worker, +2 and +8, and a flush", want)
        await flusher.flush()
        await compare(trial, story + ", another worker's, +2 and +8, and two flushes", want)


@pytest.mark.step(6, "a fleet's totals", stretch=True)
async def test_delta_that_is_sent_again_keeps_its_id(network):
    """A first flush that did not arrive, and a second whose reply is lost: the third knows the second's mark."""
    for point in range(1, 100):
        trial = await network.fresh()
        trial.fail_at(point, effect="never_arrived")
        registry = Registry()
        flusher = Flusher(registry, trial.redis, "w1")
        registry.inc("jobs_total")
        first = await trial.attempt(flusher.flush())
        trial.heal()
        if not first.broken:
            break
        for second_point in range(1, 100):
            again = await network.fresh()
            registry = Registry()
            flusher = Flusher(registry, again.redis, "w1")
            registry.inc("jobs_total")
            again.fail_at(point, effect="never_arrived")
            await again.attempt(flusher.flush())
            again.heal()
            again.fail_at(second_point, effect="reply_lost")
            second = await again.attempt(flusher.flush())
            again.heal()
            await flusher.flush()
            story = f"+1, a flush (did not arrive, point {point}), a flush (reply lost, point {second_point}), a flush"
            await compare(again, story, {"jobs_total": 1.0})
            if not second.broken:
                break


@pytest.mark.step(6, "a fleet's totals", stretch=True)
async def test_a_second_fault_in_a_row_changes_nothing(network):
    """Two failed flushes in a row lose nothing and double nothing."""
    for point in range(1, 100):
        trial = await network.fresh()
        trial.fail_at(point, effect="reply_lost")
        registry = Registry()
        flusher = Flusher(registry, trial.redis, "w1")
        registry.inc("jobs_total")
        first = await trial.attempt(flusher.flush())
        trial.heal()
        registry.inc("jobs_total", None, 2.0)
        trial.fail_at(3, effect="reply_lost")
        second = await trial.attempt(flusher.flush())
        trial.heal()
        registry.inc("jobs_total", None, 4.0)
        await flusher.flush()
        ends = ["broken" if outcome.broken else "returned" for outcome in (first, second)]
        story = f"+1, a flush (reply lost at point {point}: {ends[0]}), +2, a flush (again, at its point 3: {ends[1]})"
        await compare(trial, story + ", +4, a flush", {"jobs_total": 7.0})
        if not first.broken:
            break


async def compare(trial, story: str, want: dict[str, float]) -> None:
    got = await totals_of(trial)
    assert got == want, explain(
        called=f"{TOTALS} after {story}",
        got=got,
        expected=want,
        costs="more: the fleet reports jobs that were never submitted; less: work that was done is in no total; "
        "both are found at the end of the month, when invoices are compared",
    )


@pytest.mark.step(6, "a fleet's totals", stretch=True)
async def test_restarted_worker_with_its_old_name_goes_on_counting(network, redis):
    """A worker that starts again under its old name is not fooled by its last life's mark."""
    lives = (1, 1, 3, 2)
    for flushes in lives:
        registry = Registry()
        flusher = Flusher(registry, redis, "w1")
        for _ in range(flushes):
            registry.inc("jobs_total")
            await flusher.flush()
    got = await totals_of(network)
    assert got == {"jobs_total": 7.0}, explain(
        called=f"{TOTALS} after {len(lives)} lives of worker w1, with 1, 1, 3 and 2 increments and a flush after each",
        got=got,
        expected={"jobs_total": 7.0},
        costs="the mark of the worker's last life looks like success: after each deploy the first counts are missing",
    )


@pytest.mark.step(6, "a fleet's totals", stretch=True)
async def test_restarted_worker_is_not_fooled_when_its_first_flush_fails(network):
    """The mark of a worker's last life is not taken for that of a flush that never arrived."""
    for lives in (1, 2):
        async for trial in network.every_point("never_arrived", client="redis"):
            registry = Registry()
            flusher = Flusher(registry, await trial.client("last life"), "w1")
            for _ in range(lives):
                registry.inc("jobs_total")
                await flusher.flush()
            registry = Registry()
            flusher = Flusher(registry, trial.redis, "w1")
            registry.inc("jobs_total", None, 16.0)
            await trial.attempt(flusher.flush())
            trial.heal()
            await flusher.flush()
            story = (
                f"{lives} flushes of +1, a restart under the same name, +16, "
                f"a flush (never arrived, point {trial.point}), a flush"
            )
            await compare(trial, story, {"jobs_total": 16.0 + lives})


@pytest.mark.step(6, "a fleet's totals", stretch=True)
async def test_flush_after_a_long_outage_counts_once(network):
    """The mark is there however late the worker comes back: it does not expire."""
    async for trial in network.every_point("reply_lost", client="redis"):
        registry = Registry()
        flusher = Flusher(registry, trial.redis, "w1")
        registry.inc("jobs_total")
        await trial.attempt(flusher.flush())
        trial.heal()
        raw = trial.raw()
        for key in await raw.keys("*"):
            if await raw.ttl(key) >= 0:
                await raw.delete(key)
        await flusher.flush()
        story = f"+1, a flush (reply lost at point {trial.point}), a pause that outlives every expiry, a flush"
        await compare(trial, story, {"jobs_total": 1.0})


@pytest.mark.step(6, "a fleet's totals", stretch=True)
async def test_marks_do_not_pile_up(network, redis):
    """What is stored does not grow with the number of flushes."""
    registry = Registry()
    flusher = Flusher(registry, redis, "w1")
    sizes = []
    for flushes in (3, 12):
        for _ in range(flushes):
            registry.inc("jobs_total")
            await flusher.flush()
        sizes.append(await stored_besides_totals(network.raw()))
    assert sizes[1] <= sizes[0], explain(
        called=f"what is stored besides {TOTALS}, without an expiry, after 3 and after 15 flushes of one worker",
        got=f"{sizes[0]} and {sizes[1]} keys and members",
        expected="no growth: one mark a worker",
        costs="one mark for each flush, for ever: at one flush a second 86,400 a day for each worker",
    )
    fields = {key.decode() for key in await network.raw().hkeys(TOTALS)}
    assert fields == {"jobs_total"}, explain(
        called=f"the fields of {TOTALS}",
        got=sorted(fields),
        expected=["jobs_total"],
        costs="whoever reads the totals finds bookkeeping among the metrics",
    )


async def stored_besides_totals(raw) -> int:
    """Count the keys that never expire, and the members of those that hold several."""
    size = 0
    counts = {b"set": raw.scard, b"hash": raw.hlen, b"list": raw.llen, b"zset": raw.zcard, b"stream": raw.xlen}
    for key in await raw.keys("*"):
        if key == TOTALS.encode() or await raw.ttl(key) >= 0:
            continue
        count = counts.get(await raw.type(key))
        size += await count(key) if count else 1
    return size
