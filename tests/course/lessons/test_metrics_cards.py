"""What cards on metrics predict: half a lock, the order of escapes, how labels multiply, a new id for an old flush."""

import itertools

import pytest
import redis.exceptions

from grading import clock
from grading.network import Network
from grading.switches import forced_switches
from solutions.metrics import metrics as right
from solutions.metrics.metrics import Registry, series_key
from tests.course.lessons.wrong_programs import wrong

backslash_escaped_last = wrong("solutions/metrics/wrong/backslash_escaped_last.py")
lock_around_reads_only = wrong("solutions/metrics/wrong/lock_around_reads_only.py")
new_id_for_each_attempt = wrong("solutions/metrics/wrong/new_id_for_each_attempt.py")


def test_lock_that_only_readers_take_loses_increments():
    """A lock keeps out only those who take it.

    Did: forced a switch at each opcode of two increments, with a registry whose readers alone lock, and with ours.
    Saw: updates lost in the first, none in the second.
    Otherwise: the readers' lock would have kept the writers apart.
    """

    def lost(module):
        result = forced_switches(
            setup=module.Registry,
            op_a=lambda registry: registry.inc("jobs_total"),
            op_b=lambda registry: registry.inc("jobs_total"),
            check=lambda registry: None if registry.value("jobs_total") == 2 else "lost",
            file=module,
            stop_at_first=False,
        )
        return len(result.broken)

    assert lost(lock_around_reads_only) > 0
    assert lost(right) == 0


def test_backslash_is_escaped_first():
    """Backslash, double quote and line feed are escaped; the backslash first, or it doubles the others' backslashes.

    Did: made the key of a value of these three characters, with the backslash first and with it last.
    Saw: two characters for each of the three; with the backslash last, three for the quote and the line feed.
    Otherwise: the order of the replacements would not show.
    """
    assert series_key("x", {"a": '\\"\n'}) == 'x{a="\\\\\\"\\n"}'
    assert backslash_escaped_last.series_key("x", {"a": '"\n'}) == 'x{a="\\\\"\\\\n"}'


def test_labels_multiply():
    """The number of possible series is the product of the numbers of values.

    Did: counted every combination of 8 routes, 5 statuses and 60 users, and of routes and statuses alone.
    Saw: 2,400 series and 40; with 6,000 users it would be 100 times the first, 240,000.
    Otherwise: it would be the sum, 73, or the largest number, 60.
    """

    def series(**values):
        registry = Registry(max_series=10_000)
        names = list(values)
        for combination in itertools.product(*(range(values[name]) for name in names)):
            registry.inc("requests_total", dict(zip(names, map(str, combination), strict=True)))
        return len(registry.snapshot()["counters"])

    assert series(route=8, status=5, user=60) == 2_400 == 240_000 // 100
    assert series(route=8, status=5) == 40


def test_new_flush_id_for_an_old_delta_counts_it_twice():
    """An id belongs to a delta until its outcome is known.

    Did: lost a reply at each point of a flush, and flushed again, with a new id each time and with the same one.
    Saw: with a new id the total is 2 after some of the losses; with the same one it is 1 after each.
    Otherwise: the mark would have shown that the delta was applied.
    """

    def totals(module):
        return {clock.run(lambda k=k: flushed_twice(module, k)) for k in range(1, 11)}

    assert totals(new_id_for_each_attempt) == {1.0, 2.0}
    assert totals(right) == {1.0}


async def flushed_twice(module, k):
    """Count one job, lose the k-th reply of its flush, flush again, and return what the fleet's total is."""
    network = Network(1)
    await network.open()
    registry = module.Registry()
    registry.inc("jobs_total")
    flusher = module.Flusher(registry, network.redis, "w1")
    network.fail_at(k, effect="reply_lost")
    for _ in range(3):
        try:
            await flusher.flush()
        except redis.exceptions.RedisError:
            continue
    total = await network.raw().hget(module.TOTALS_KEY, "jobs_total")
    await network.close()
    return float(total or pytest.fail("nothing was counted"))
