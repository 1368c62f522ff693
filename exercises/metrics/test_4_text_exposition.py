"""Step 4: text exposition."""

from __future__ import annotations

import contextlib
import math

import pytest

from exercises.metrics.given import UNREADABLE, checked, family, own_locks, read  # noqa: F401 - pytest finds the fixture own_locks here
from exercises.metrics.metrics import Registry, series_key
from grading import explain, fail

pytestmark = pytest.mark.step(4, "text exposition")


def by_name(values: dict[tuple, float]) -> dict[str, float]:
    """Show samples readably: `name{label=value}`; the bound as a number, so that 1 and 1.0 are the same."""
    shown = {}
    for (name, labels), value in values.items():
        inside = ",".join(f"{label}={float(text) if label == 'le' else text}" for label, text in labels)
        shown[f"{name}{{{inside}}}" if inside else name] = value
    return shown


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


# --- Corner cases ----------------------------------------------------------------------------------------------------


def test_text_is_new_each_time_it_is_asked_for():
    """exposition() asked again shows what was recorded in between."""
    registry = Registry(bounds=(1.0,))
    got = []
    for _ in range(2):
        registry.inc("jobs_total")
        registry.observe("wait_seconds", 0.5)
        _, values = checked(registry.exposition())
        got.append([values.get(("jobs_total", ())), values.get(("wait_seconds_count", ()))])
    assert got == [[1.0, 1.0], [2.0, 2.0]], explain(
        called="exposition() after inc() and observe(), and asked again after another inc() and observe(): jobs_total "
        "and wait_seconds_count",
        got=got,
        expected=[[1.0, 1.0], [2.0, 2.0]],
        costs="graphs stand still while the service works",
    )


def test_equal_content_gives_equal_text():
    """Equal content gives equal text, whatever was recorded first."""
    one, other = mixed(1).exposition(), mixed(-1).exposition()
    assert one == other, explain(
        called="exposition() of two registries with equal content, recorded in opposite order",
        got=other,
        expected=one,
        costs="two scrapes cannot be compared line by line",
    )


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
