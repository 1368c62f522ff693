"""Counters and histograms with labels: what a service says about itself, exact under threads and across a fleet.

Each docstring is the specification of its part; the number in a body's `NotImplementedError` is the README's step.
Run `pytest exercises/metrics` after every step.

Names you may rely on: a metric name matches `[a-zA-Z_:][a-zA-Z0-9_:]*`, a label name `[a-zA-Z_][a-zA-Z0-9_]*` and is
never `le`, a label value is any `str`. A metric name is used for counters or for a histogram, never for both, and no
other metric's name is a histogram's name with `_bucket`, `_sum` or `_count` behind it. You need not check any of this.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.asyncio import Redis

DEFAULT_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds that suit the latency of a request: from 5 ms to 10 s."""

OVERFLOW = {"overflow": "true"}
"""Labels of the one series that takes what no longer gets a series of its own (step 2)."""

TOTALS_KEY = "metrics:totals"
"""The Redis hash with the whole fleet's counters: field is the series key, value the sum (stretch step 6)."""

MARK_PREFIX = "metrics:flushed:"
"""Before a worker's name: the Redis string that holds the id of that worker's last applied flush (stretch step 6)."""

log = logging.getLogger("metrics")


class HistogramState(TypedDict):
    """One histogram series, as a snapshot shows it (step 3)."""

    buckets: dict[float, int]  # upper bound → how many observations were at most that; the last bound is math.inf
    sum: float  # sum of all observed values
    count: int  # how many values were observed


class Snapshot(TypedDict):
    """Everything a registry holds at one moment, as plain dicts that belong to the caller (steps 2 and 3)."""

    counters: dict[str, float]  # series key → total
    histograms: dict[str, HistogramState]  # series key → state; empty until step 3


def series_key(name: str, labels: Mapping[str, str] | None = None) -> str:
    r"""Return the one text that identifies a series, in the form that Prometheus prints (step 1).

    Without labels (None or empty) the key is the name alone. With labels it is `name{a="x",b="y"}`: label names in
    ascending order (Python's order of `str`) whatever the order of the mapping, values in double quotes, one comma and
    no space between.
    Inside a value a backslash becomes `\\`, a double quote `\"` and a line feed `\n` (two characters each); every
    other character stays as it is. So two different label sets never share a key.

    >>> series_key("jobs_total", {"status": "ok", "queue": "mail"})
    'jobs_total{queue="mail",status="ok"}'
    >>> series_key("jobs_total")
    'jobs_total'
    """
    raise NotImplementedError("step 1: one key for one series")


class Registry:
    """All metrics of one process.

    Args:
        max_series: how many series of their own one metric name may have (step 2); at least 1, else ValueError.
        bounds: upper bounds of the buckets of every histogram in this registry (step 3), in the unit of what is
            observed; at least one, all finite, strictly increasing, else ValueError. `math.inf` is not among them:
            every histogram has that bucket anyway.

    Any method may be called from any thread at any time (step 5; until then, ignore threads): no update is lost, no
    call fails because of another, `max_series` and the single warning hold, and whoever reads a histogram sees
    buckets, sum and count that belong together. Different series may be read at slightly different moments. Lock with
    `threading.Lock` or `threading.RLock`: the grader steers the threads through these two.
    """

    def __init__(self, max_series: int = 1000, bounds: Sequence[float] = DEFAULT_BOUNDS) -> None:
        raise NotImplementedError("step 1: an empty registry")

    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        """Add `amount` to the counter with this name and these labels, which starts at 0 (step 1).

        The order of the labels does not matter, None and an empty mapping mean the same, and what the caller does to
        its mapping afterwards changes nothing here.

        The cardinality guard (step 2): each metric name gets at most `max_series` series of its own, first come,
        first served. Once a name has them all, whatever comes for a label set without a series is added to the series
        `name{overflow="true"}` instead, which does not count towards `max_series`, so that the sum over all series of
        a name is still the truth. Series that already exist go on as before, and other names are not affected. The
        first time that this happens to a name in a registry, and never again for that name, one WARNING record that
        contains the name is logged (`log.warning`).

        Raises:
            ValueError: `amount` is negative: a counter never goes down. Nothing has changed then.
        """
        raise NotImplementedError("step 1: count")

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """Return this counter's total, 0.0 if it has no series of its own (step 1). Asking never creates a series."""
        raise NotImplementedError("step 1: read one counter")

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """Record one value, finite and of either sign, in the histogram with this name and these labels (step 3).

        A bucket counts every value that is at most its bound (`value <= bound`, so a value equal to the bound is in),
        which makes the counts cumulative: each bucket contains all the smaller ones. The last bucket, `math.inf`,
        counts everything and equals `count`. The cardinality guard of `inc` holds here too, `max_series` for each
        histogram's name.
        """
        raise NotImplementedError("step 3: observe a value")

    def snapshot(self) -> Snapshot:
        """Return all series as they are now: the counters (step 2) and the histograms (step 3).

        The result is the caller's own, down to the innermost dict: later updates do not show in it, and changing it
        does not change the registry.

        After `inc("jobs_total", {"status": "ok"})` and, with `bounds=(0.1, 1.0)`, `observe("wait_seconds", 0.5)`:

            {"counters": {'jobs_total{status="ok"}': 1.0},
             "histograms": {"wait_seconds": {"buckets": {0.1: 0, 1.0: 1, math.inf: 1}, "sum": 0.5, "count": 1}}}
        """
        raise NotImplementedError("step 2: a snapshot that is a copy")

    def exposition(self) -> str:
        r"""Return all series in the Prometheus text format, version 0.0.4 (step 4).

        An empty registry gives the empty text. Otherwise every line ends in a line feed, the last one too. For each
        metric name, names in ascending order:

        - one line `# TYPE <name> counter` or `# TYPE <name> histogram`, once for a name, before its series;
        - then its series, ascending by series key (Python's order of `str`), nothing of another name in between. A
          counter is one line, `<series key> <value>`. A histogram is one line `<name>_bucket{…,le="<bound>"} <count>`
          a bucket, bounds ascending and the last one `le="+Inf"`, then `<name>_sum{…} <sum>` and
          `<name>_count{…} <count>`, each with the labels of the series; no braces around no labels, except for `le`.

        Numbers are printed so that `float()` of the text is exactly the number recorded (`repr` of a float does).
        Equal content gives equal text, whatever was recorded first. `# HELP` lines are allowed, not asked for.

        For the snapshot shown above:

            # TYPE jobs_total counter
            jobs_total{status="ok"} 1.0
            # TYPE wait_seconds histogram
            wait_seconds_bucket{le="0.1"} 0
            wait_seconds_bucket{le="1.0"} 1
            wait_seconds_bucket{le="+Inf"} 1
            wait_seconds_sum 0.5
            wait_seconds_count 1
        """
        raise NotImplementedError("step 4: print what was recorded")


class Flusher:
    """Adds what one worker's registry has counted to the fleet's totals in Redis (stretch step 6).

    Args:
        registry: the worker's registry; only its counters are flushed, read with `snapshot()`.
        redis: the client to use.
        worker: this worker's name. No two workers alive at one time share one, but a worker that starts again comes
            back with its old name, a fresh registry and a fresh flusher.

    `TOTALS_KEY` is a hash: series key → sum over all workers, and nothing else. Several workers flush at once. All that
    is stored besides is one string a worker, `MARK_PREFIX + worker`: the id of the last flush that was applied. An id
    is unique among all flushes of all workers, restarts included (`uuid.uuid4().hex` will do).
    """

    def __init__(self, registry: Registry, redis: Redis, worker: str) -> None:
        raise NotImplementedError("step 6: a flusher that has sent nothing yet")

    async def flush(self) -> None:
        """Bring the fleet's totals up to what the registry had counted when this was called.

        What was counted since the last flush, the delta, is added to the totals and the mark set in one MULTI/EXEC.
        If nothing was counted, nothing is sent or changed. Two calls on one flusher never overlap.

        When Redis fails or the task is cancelled in the middle, the exception may leave this method, and nobody knows
        whether the transaction took effect. The caller calls again, and each delta must be in the totals exactly once
        in the end: send the *same* delta under the *same* id unless the mark shows that it was applied, and then what
        has been counted since. When a call returns without an exception, everything counted before it is in the
        totals. No Lua.

        Raises:
            redis.exceptions.RedisError: Redis could not be reached, or its answer was lost. Call again.
        """
        raise NotImplementedError("step 6: every delta exactly once")
