"""What the lesson of Day 138 claims about labels, cardinality, snapshots and races, shown by running it."""

import dis
import logging
import math
import sys
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from grading.switches import forced_switches
from solutions.examples.lessons import racy_counter
from solutions.examples.lessons.racy_counter import InPlace, WithCall
from solutions.metrics import metrics
from solutions.metrics.metrics import Registry, series_key
from solutions.simulations.metrics import SAMPLES_PER_LABEL_SET, grow
from solutions.simulations.scrapes import WRONG_BUT_PARSED, count_while_reading

# Labelled counters


class Unsorted:
    """A registry whose key follows the order of the caller's mapping."""

    def __init__(self):
        self.totals = {}

    def inc(self, name, labels):
        key = name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"
        self.totals[key] = self.totals.get(key, 0) + 1


def test_unsorted_labels_make_two_series():
    """Label names have to be sorted before they make a key.

    Did: counted the same label set twice, written in two orders, with a key in the caller's order and with ours.
    Saw: two series with one count each without sorting; one series with 2 with it.
    Otherwise: both registries would have one series.
    """
    plain, sorted_ = Unsorted(), Registry()
    for labels in ({"queue": "mail", "status": "ok"}, {"status": "ok", "queue": "mail"}):
        plain.inc("jobs_total", labels)
        sorted_.inc("jobs_total", labels)

    assert sorted(plain.totals.values()) == [1, 1]
    assert sorted_.snapshot()["counters"] == {'jobs_total{queue="mail",status="ok"}': 2.0}


def test_unescaped_values_let_two_label_sets_share_a_key():
    """Escaping keeps series apart; it is not about looks.

    Did: made the keys of a label set of two, and of one label whose value is written so as to look like it.
    Saw: equal texts when the values are put in as they are; two texts from series_key, which escapes.
    Otherwise: the texts without escaping would differ, or series_key would give the same key twice.
    """
    honest, forged = {"a": "x", "b": "y"}, {"a": 'x",b="y'}

    def plain(labels):
        return "jobs_total{" + ",".join(f'{label}="{labels[label]}"' for label in sorted(labels)) + "}"

    assert plain(honest) == plain(forged)
    assert series_key("jobs_total", honest) != series_key("jobs_total", forged)


def test_prometheus_parser_lets_wrong_expositions_through():
    """What parses is not yet right.

    Did: gave prometheus_client's parser buckets that shrink without +Inf, a series twice, no TYPE; and "".
    Saw: it read them all; the one thing it refused was a label value whose quote is not escaped.
    Otherwise: it would raise ValueError, and the exercise would need no checks of its own.
    """
    read = list(text_string_to_metric_families(WRONG_BUT_PARSED))
    assert [sample.value for family in read for sample in family.samples] == [5, 3, 5, 2, 1, 2]
    assert list(text_string_to_metric_families("")) == []

    with pytest.raises(ValueError, match="Invalid labels"):
        list(text_string_to_metric_families('errors_total{why="say "hi""} 1\n'))


def test_buckets_are_cumulative_and_include_their_bound():
    """A bucket counts what is at most its bound.

    Did: observed 0.05, 0.1 and 5 in a histogram with the bounds 0.1 and 1.
    Saw: 2 up to 0.1, 2 up to 1, 3 in all.
    Otherwise: 0.1 would be missing from its bucket, or the second bucket would be 0.
    """
    registry = Registry(bounds=(0.1, 1.0))
    for value in (0.05, 0.1, 5.0):
        registry.observe("wait_seconds", value)
    assert registry.snapshot()["histograms"]["wait_seconds"]["buckets"] == {0.1: 2, 1.0: 2, math.inf: 3}


# Cardinality


def test_an_unbounded_label_grows_the_registry_and_the_guard_bounds_it(caplog):
    """A label without bounds grows a registry forever; a guard bounds it and keeps the total.

    Did: counted one login for each of 5,000 users, with a limit of 5,000 series and with one of 100.
    Saw: 5,000 series; then 101, all 5,000 logins counted, and one warning.
    Otherwise: the guarded registry would have more than 101 series, a wrong total, or a warning for each login.
    """
    unbounded, guarded = Registry(max_series=5_000), Registry(max_series=100)
    with caplog.at_level(logging.WARNING):
        for user in range(5_000):
            unbounded.inc("logins_total", {"user": str(user)})
            guarded.inc("logins_total", {"user": str(user)})

    assert len(unbounded.snapshot()["counters"]) == 5_000
    counters = guarded.snapshot()["counters"]
    assert (len(counters), sum(counters.values())) == (101, 5_000)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(("label", "limit"), [("route", None), ("user", None), ("user", 10)])
def test_labs_model_agrees_with_the_registry(label, limit):
    """The lab's numbers are those of a real registry: one day of it, sample by sample and byte by byte."""
    model = grow(label, days=1, requests_a_day=300, sign_ups_a_day=40, max_series=limit)
    registry = Registry(max_series=limit or 10**6)
    drawn = grow_values(label)
    for value in drawn:
        registry.inc("requests_total", {label: value})
        registry.observe("request_seconds", 0.05, {label: value})

    lines = [line for line in registry.exposition().splitlines() if not line.startswith("#")]
    assert len(lines) == model.samples[-1]
    assert len(lines) % SAMPLES_PER_LABEL_SET == 0
    assert sum(registry.snapshot()["counters"].values()) == model.counted == len(drawn)
    assert registry.value("requests_total", {"overflow": "true"}) == model.overflowed
    # A sum of many 0.05 differs from a product in its last digits, and in nothing else.
    assert len(registry.exposition()) == pytest.approx(model.scrape_bytes, rel=0.02)


def grow_values(label):
    """Draw the label values of the model's first day, as it does."""
    from random import Random

    from solutions.simulations.metrics import ROUTES

    random = Random(1)
    values = []
    for _ in range(300):
        user, route = random.randrange(40), random.choice(ROUTES)
        values.append(route if label == "route" else str(user))
    return values


# Snapshots


def test_a_snapshot_is_a_copy():
    """Snapshot returns a copy, down to the buckets.

    Did: took a snapshot, counted and observed on, then changed the snapshot at every depth.
    Saw: the snapshot kept its numbers, and the registry kept its own.
    Otherwise: one of the two would show what was done to the other.
    """
    registry = Registry(bounds=(1.0,))
    registry.inc("jobs_total")
    registry.observe("wait_seconds", 0.5)
    before = registry.snapshot()
    registry.inc("jobs_total")
    registry.observe("wait_seconds", 0.5)
    assert before["counters"] == {"jobs_total": 1.0}
    assert before["histograms"]["wait_seconds"]["buckets"][1.0] == 1

    before["counters"]["jobs_total"] = 99.0
    before["histograms"]["wait_seconds"]["buckets"][1.0] = 99
    after = registry.snapshot()
    assert after["counters"] == {"jobs_total": 2.0}
    assert after["histograms"]["wait_seconds"]["buckets"][1.0] == 2


def test_live_dict_breaks_a_reader_that_iterates():
    """What a scrape meets when the registry hands out its own dict.

    Did: iterated over a live dict of counters while a new series was added, then over a snapshot.
    Saw: RuntimeError, "dictionary changed size during iteration", from the first; nothing from the snapshot.
    Otherwise: a live dict could be printed safely.
    """
    with pytest.raises(RuntimeError, match="changed size during iteration"):
        count_while_reading({"jobs_total": 1.0})

    registry = Registry()
    registry.inc("jobs_total")
    for key in registry.snapshot()["counters"]:
        registry.inc("errors_total")
        assert key == "jobs_total"


# Races

THREADS, EACH = 4, 20_000


def lost_by_luck(kind):
    """Let threads increment as fast as they can, and return how many increments are missing."""
    counter = kind()

    def work():
        for _ in range(EACH):
            counter.inc("jobs_total")

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return THREADS * EACH - counter.totals["jobs_total"]


def lost_by_force(make, read, file):
    """Switch threads at every opcode of the increment; return the number of switches tried and of lost updates."""
    result = forced_switches(
        setup=make,
        op_a=lambda counter: counter.inc("jobs_total"),
        op_b=lambda counter: counter.inc("jobs_total"),
        check=lambda counter: None if read(counter) == 2 else f"{read(counter)} instead of 2",
        file=file,
        stop_at_first=False,
    )
    return result.points, len(result.broken)


def gil():
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def racy_total(counter):
    return counter.totals["jobs_total"]


def test_a_passing_concurrent_test_proves_little_until_interleavings_are_forced():
    """A passing concurrent test proves little for concurrent code.

    Did: ran a counter without lock in 4 threads of 20,000 increments; then forced a switch at each opcode, 5 times.
    Saw: nothing lost by 80,000 increments; by force an update lost in each run, at the same points; none with a lock.
    Otherwise: the first test would fail, or the forced one would pass in some run, or fail for our own registry.
    """
    assert lost_by_luck(InPlace) == 0 or not gil()

    runs = {lost_by_force(InPlace, racy_total, racy_counter) for _ in range(5)}
    assert len(runs) == 1
    (points, lost) = runs.pop()
    assert 0 < lost < points

    _, lost = lost_by_force(Registry, lambda registry: registry.value("jobs_total"), metrics)
    assert lost == 0


def test_switch_interval_cannot_switch_where_the_interpreter_never_does():
    """A short switch interval makes switches frequent; it does not make them possible in more places.

    Did: set sys.setswitchinterval to 1 µs and ran the same counter in 4 threads; read the opcodes of both counters.
    Saw: still nothing lost; no call and no jump between read and write, where an interpreter with a GIL may switch.
    Otherwise: increments would be missing; with a call in between (WithCall) they may be, and now and then are.
    """
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        assert lost_by_luck(InPlace) == 0 or not gil()
    finally:
        sys.setswitchinterval(before_s)

    assert switching_opcodes(InPlace.inc) == []
    assert "CALL" in switching_opcodes(WithCall.inc)


def switching_opcodes(function):
    """Return the opcodes after the first at which a GIL interpreter looks whether another thread wants to run."""
    names = [instruction.opname for instruction in dis.get_instructions(function)]
    return [name for name in names[1:] if name.startswith(("CALL", "JUMP_BACKWARD", "RESUME", "SEND"))]


def test_forced_switches_find_the_race_with_a_call_too():
    """The same race written with a call between is found by force in every run.

    Did: forced a switch at each opcode of `totals[key] = totals.get(key, 0) + 1`, 5 times over.
    Saw: updates lost in each run, at the same number of points.
    Otherwise: some run would lose none.
    """
    runs = {lost_by_force(WithCall, racy_total, racy_counter) for _ in range(5)}
    assert len(runs) == 1
    assert runs.pop()[1] > 0
