"""Step 1: labelled counters."""

from __future__ import annotations

import contextlib

import pytest

from exercises.metrics.given import own_locks  # noqa: F401 - pytest finds the fixture own_locks here
from exercises.metrics.metrics import Registry, series_key
from grading import explain, fail

pytestmark = pytest.mark.step(1, "labelled counters")


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
            costs=None,
        )


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
            costs="one series is counted as two",
        )


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
            called=f"inc(1) with {one}, inc(2) with {other}, then value() of both",
            got=got,
            expected=[1.0, 2.0],
            costs="a label value can write into another series",
        )


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
        called='inc("jobs_total", None, 4.0), a refused inc("jobs_total", None, -1.0), value("jobs_total")',
        got=got,
        expected=4.0,
        costs="the caller sees an error, and the number is wrong all the same",
    )


# --- Corner cases ----------------------------------------------------------------------------------------------------


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
        costs="other programs print another key for the same series",
    )
