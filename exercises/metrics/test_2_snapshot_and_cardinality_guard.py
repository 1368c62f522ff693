"""Step 2: snapshot and cardinality guard."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections import Counter

import pytest

from exercises.metrics.given import own_locks  # noqa: F401 - pytest finds the fixture own_locks here
from exercises.metrics.metrics import Registry, series_key
from grading import explain, fail

pytestmark = pytest.mark.step(2, "snapshot and cardinality guard")


def counters_of(registry: Registry) -> dict[str, float]:
    return registry.snapshot()["counters"]


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


def test_asking_and_refusing_create_no_series():
    """value() and a refused inc() create no series."""
    registry = Registry()
    registry.value("jobs_total", {"status": "ok"})
    got = counters_of(registry)
    assert got == {}, explain(
        called='value("jobs_total", {"status": "ok"}) on an empty registry; checked: snapshot()["counters"]',
        got=got,
        expected={},
        note="value() created the series (step 1)",
        costs="reading a series creates it, so a dashboard that polls leaks memory",
    )
    with contextlib.suppress(ValueError):
        registry.inc("jobs_total", None, -1.0)
    got = counters_of(registry)
    assert got == {}, explain(
        called='a refused inc("jobs_total", None, -1.0) on an empty registry; checked: snapshot()["counters"]',
        got=got,
        expected={},
        note="inc() created the series before it refused the amount",
    )


def test_later_increments_do_not_show_in_a_snapshot():
    """A snapshot does not change when the registry does."""
    registry = Registry()
    registry.inc("jobs_total")
    before = registry.snapshot()
    registry.inc("jobs_total")
    registry.inc("errors_total")
    got = before["counters"]
    assert got == {"jobs_total": 1.0}, explain(
        called="snapshot(), then inc() of an old and of a new series; checked: the snapshot",
        got=got,
        expected={"jobs_total": 1.0},
        costs="a scrape that is being printed changes meanwhile, and mixes two moments",
    )


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
        costs="code that only reads metrics can change them",
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
        costs="memory grows with each user or URL, until the process is killed"
        if len(got) > len(want)
        else "increments beyond the limit are in no total"
        if sum(got.values()) < 10
        else None,
    )


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
        costs="series that were there first stop counting when a new one arrives, and their alerts go quiet"
        if got["ann"] < 3
        else None,
    )


def test_overflow_of_one_name_leaves_other_names_alone(caplog):
    """The limit is for each metric name by itself."""
    for name in ("errors_total", "jobs"):  # the second is how the other one begins
        registry = Registry(max_series=2)
        overflowing(caplog, registry, [("jobs_total", {"user": str(n)}) for n in range(5)])
        overflowing(caplog, registry, [(name, None), (name, {"why": "timeout"})])
        got = {key: total for key, total in counters_of(registry).items() if not key.startswith("jobs_total")}
        want = {name: 1.0, f'{name}{{why="timeout"}}': 1.0}
        assert got == want, explain(
            called=f"inc() of jobs_total for 5 users, then of {name} with 2 label sets, max_series=2; checked: {name}",
            got=got,
            expected=want,
            costs="one careless label hides every metric that is recorded for the first time after it",
        )


def test_first_overflow_of_a_name_warns_once(caplog):
    """One warning that contains the name, at its first overflow."""
    registry = Registry(max_series=2)
    quiet = overflowing(caplog, registry, [("jobs_total", {"user": str(n)}) for n in (0, 1, 0, 1)])
    assert quiet == [], explain(
        called="inc() of jobs_total for exactly max_series=2 users; checked: the warnings",
        got=quiet,
        expected=[],
        costs="a warning about a limit that was kept teaches people to ignore warnings",
    )
    got = overflowing(caplog, registry, [("jobs_total", {"user": str(n)}) for n in range(2, 50)])
    assert len(got) == 1, explain(
        called="inc() of jobs_total for 48 users beyond max_series=2; checked: the warnings",
        got=f"{len(got)} warnings" + (f", the first: {got[0]}" if got else ""),
        expected="1 warning",
        costs="nothing says why the detail is gone" if not got else "the log is flooded at the rate of the traffic",
    )
    assert "jobs_total" in got[0], explain(
        called="inc() of jobs_total beyond max_series=2; checked: the text of the warning",
        got=got[0],
        expected="a text that names jobs_total",
        costs="the log says that something overflowed, and not where to look",
    )
    records = [(record.name, record.levelname) for record in caplog.records if record.levelno >= logging.WARNING]
    assert records == [("metrics", "WARNING")], explain(
        called="inc() of jobs_total beyond max_series=2; checked: logger and level of the warning",
        got=records,
        expected=[("metrics", "WARNING")],
        costs=None,
    )


def repeated(texts: list[str]) -> str | None:
    """Say so when a name was warned about, then another, then the first again."""
    order = [name for text in texts for name in ("jobs_total", "errors_total") if name in text]
    again = [name for place, name in enumerate(order) if name in order[:place]]
    return f"warnings in order: {', '.join(order[:4])}{', …' if len(order) > 4 else ''}" if again else None


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
            called=f"inc of jobs_total, errors_total, jobs_total, … for 4 users each, max_series=1, in the {turn} "
            "registry; checked: warnings by name",
            got={name: named.get(name, 0) for name in want},
            expected=want,
            note=repeated(got),
            costs="two full metrics write a log line for every request"
            if max(named.values(), default=0) > 1
            else "the second metric with an unbounded label goes unnoticed",
        )


# --- Corner cases ----------------------------------------------------------------------------------------------------


def test_default_limit_is_a_thousand_series_a_name(caplog):
    """Registry() gives each name 1,000 series."""
    registry = Registry()
    overflowing(caplog, registry, [("jobs_total", {"user": str(n)}) for n in range(1002)])
    got = (len(counters_of(registry)), registry.value("jobs_total", {"overflow": "true"}))
    assert got == (1001, 2.0), explain(
        called="(series, increments in overflow) after one inc for each of 1,002 users of Registry()",
        got=got,
        expected=(1001, 2.0),
        costs="a registry without a limit of its own has none" if got[0] > 1001 else None,
    )


def test_log_handler_that_counts_does_not_wait_for_ever():
    """A log handler that calls inc() when the overflow is logged is answered: no lock is held meanwhile."""
    registry = Registry(max_series=1)
    errors = []

    class Counting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                registry.inc("log_lines_total", {"level": record.levelname})
            except Exception as error:  # noqa: BLE001 - logging would swallow or print it
                errors.append(error)

    logger, handler = logging.getLogger("metrics"), Counting()
    logger.addHandler(handler)
    try:
        registry.inc("jobs_total", {"user": "ann"})
        registry.inc("jobs_total", {"user": "bob"})
    finally:
        logger.removeHandler(handler)
    got = errors[0] if errors else registry.value("log_lines_total", {"level": "WARNING"})
    assert got == 1.0, explain(
        called='inc("jobs_total", {"user": "bob"}) beyond the limit, and a log handler that counts lines with inc()',
        got=got,
        expected=1.0,
        costs="the first overflow stops every thread of the service" if errors else None,
    )


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
                costs="a mistyped setting puts every counter into overflow, and nothing says so",
            )
