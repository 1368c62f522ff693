"""Step 5: safe under threads."""

from __future__ import annotations

import gc
import logging
import math
import threading
import types
from collections.abc import Generator

import pytest

from exercises.metrics import metrics
from exercises.metrics.given import checked, own_locks  # noqa: F401 - pytest finds the fixture own_locks here
from grading import explain
from grading.switches import forced_switches, loaded_again

pytestmark = pytest.mark.step(5, "safe under threads")


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
        costs="the limit holds only while one thread is at work",
        setup=setup,
        one=lambda registry: record(registry, "ann"),
        other=lambda registry: record(registry, "bob"),
        check=check,
    )


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


@pytest.mark.threads
def test_counts_outlive_the_threads_that_made_them():
    """What a thread has recorded is there after the thread has ended."""
    registry = metrics.Registry(bounds=(1.0,))

    def work() -> None:
        registry.inc("jobs_total")
        registry.observe("wait_seconds", 0.5)

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    gc.collect()
    snapshot = registry.snapshot()
    got = {"counter": snapshot["counters"].get("jobs_total"), "value": registry.value("jobs_total")}
    got["histogram"] = snapshot["histograms"].get("wait_seconds", {"count": 0})["count"]
    want = {"counter": 2.0, "value": 2.0, "histogram": 2}
    assert got == want, explain(
        called="inc() and observe() in two threads, read after both threads have ended",
        got=got,
        expected=want,
        costs="a service that starts a thread for each request has counted nothing",
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
