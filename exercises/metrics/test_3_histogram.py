"""Step 3: histogram."""

from __future__ import annotations

import contextlib
import logging
import math

import pytest

from exercises.metrics.given import own_locks  # noqa: F401 - pytest finds the fixture own_locks here
from exercises.metrics.metrics import Registry
from grading import explain, fail

pytestmark = pytest.mark.step(3, "histogram")


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


def test_value_equal_to_a_bound_is_in_its_bucket():
    """A value equal to a bound is in its bucket."""
    registry = Registry(bounds=(0.25, 1.0, 4.0))
    for value in (0.25, 1.0, 4.0, -8.0):
        registry.observe("wait_seconds", value)
    got = histogram_of(registry, "wait_seconds")
    want = {"buckets": {0.25: 2, 1.0: 3, 4.0: 4, math.inf: 4}, "sum": -2.75, "count": 4}
    assert got == want, explain(
        called="observe() of 0.25, 1.0, 4.0 and -8.0 with bounds (0.25, 1, 4); checked: the histogram",
        got=got,
        expected=want,
        costs="le means 'at most': a request that meets its objective of 250 ms exactly is counted as too slow",
    )


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
        called="snapshot(), then observe() twice; checked: the snapshot",
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
        called="snapshot(), the caller changes it, innermost dict included; checked: a new snapshot()",
        got=got,
        expected=want,
        costs="code that only reads metrics can write them: a copy of the outer dicts still shares the buckets",
    )


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
        called="observe() of wait_seconds for 6 users, max_series=2; checked: the warnings",
        got=got,
        expected="one, which contains wait_seconds",
        costs="nothing says why the detail is gone" if not got else "the log is flooded at the rate of the traffic",
    )


# --- Corner cases ----------------------------------------------------------------------------------------------------


def test_caller_may_change_its_bounds_afterwards():
    """The registry has a copy of its bounds: what the caller does to its list later changes no histogram."""
    bounds = [1.0, 5.0]
    registry = Registry(bounds=bounds)
    registry.observe("wait_seconds", 0.5)
    bounds.clear()
    try:
        registry.observe("wait_seconds", 4.0)
        registry.observe("run_seconds", 4.0)
        got = {key: state["buckets"] for key, state in registry.snapshot()["histograms"].items()}
    except NotImplementedError:
        raise
    except Exception as error:  # noqa: BLE001 - it is the answer that is graded
        got = error
    want = {"wait_seconds": {1.0: 1, 5.0: 2, math.inf: 2}, "run_seconds": {1.0: 0, 5.0: 1, math.inf: 1}}
    assert got == want, explain(
        called="Registry(bounds=[1.0, 5.0]); observe 0.5; the caller changes its list; observe 4.0 in two histograms",
        got=got,
        expected=want,
    )


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
                costs="buckets that overlap or repeat are noticed only when a percentile is needed",
            )


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
