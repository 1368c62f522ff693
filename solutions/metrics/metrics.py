"""Counters and histograms with labels: what a service says about itself, exact under threads and across a fleet.

Each docstring is the specification of its part; the number in a body's `NotImplementedError` is the README's step.
Run `pytest exercises/metrics` after every step.

Names you may rely on: a metric name matches `[a-zA-Z_:][a-zA-Z0-9_:]*`, a label name `[a-zA-Z_][a-zA-Z0-9_]*` and is
never `le`, a label value is any `str`. A metric name is used for counters or for a histogram, never for both, and no
other metric's name is a histogram's name with `_bucket`, `_sum` or `_count` behind it. You need not check any of this.
"""

from __future__ import annotations

import logging
import math
import threading
import uuid
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

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
    # --8<-- [start:series-key]
    if not labels:
        return name
    pairs = ",".join(f'{label}="{_escaped(labels[label])}"' for label in sorted(labels))
    return f"{name}{{{pairs}}}"
    # --8<-- [end:series-key]


def _escaped(value: str) -> str:
    """Escape a label value; the backslash first, else it would escape the escapes."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class _Histogram:
    """One histogram series: a count for each bucket by itself, made cumulative when it is read."""

    __slots__ = ("counts", "sum")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.sum = 0.0

    def state(self, bounds: Sequence[float]) -> HistogramState:
        """Return the series as a snapshot shows it."""
        totals = list(accumulate(self.counts))
        return {"buckets": dict(zip((*bounds, math.inf), totals, strict=True)), "sum": self.sum, "count": totals[-1]}


def _split(key: str) -> tuple[str, list[str]]:
    """Take a series key apart: the name, and its printed labels as a list of at most one text."""
    name, brace, labels = key.partition("{")
    return name, [labels.removesuffix("}")] if brace else []


def _number(value: float) -> str:
    """Print a number so that it reads back exactly; Prometheus writes infinity as +Inf."""
    return "+Inf" if value == math.inf else repr(float(value))


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
        if max_series < 1:
            raise ValueError(f"max_series must be at least 1, got {max_series}; a metric needs one series to exist")
        if not bounds or not all(map(math.isfinite, bounds)) or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"bounds must be finite and strictly increasing, at least one, got {tuple(bounds)}")
        self._max_series = max_series
        self._bounds = tuple(float(bound) for bound in bounds)
        self._lock = threading.Lock()
        self._counters: dict[str, float] = {}
        self._histograms: dict[str, _Histogram] = {}
        self._own_series: dict[str, int] = {}  # metric name → how many series of its own it has
        self._warned: set[str] = set()

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
        # --8<-- [start:counter]
        if amount < 0:
            raise ValueError(f"amount must not be negative, got {amount}; a counter never goes down")
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._counters)
            self._counters[key] = self._counters.get(key, 0.0) + amount
        # --8<-- [end:counter]
        if first_overflow:
            self._warn(name)

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """Return this counter's total, 0.0 if it has no series of its own (step 1). Asking never creates a series."""
        with self._lock:
            return self._counters.get(series_key(name, labels), 0.0)

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """Record one value, finite and of either sign, in the histogram with this name and these labels (step 3).

        A bucket counts every value that is at most its bound (`value <= bound`, so a value equal to the bound is in),
        which makes the counts cumulative: each bucket contains all the smaller ones. The last bucket, `math.inf`,
        counts everything and equals `count`. The cardinality guard of `inc` holds here too, `max_series` for each
        histogram's name.
        """
        # --8<-- [start:histogram]
        slot = bisect_left(self._bounds, value)  # the first bound that is at least the value; past the last: +Inf
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._histograms)
            histogram = self._histograms.setdefault(key, _Histogram(len(self._bounds) + 1))
            histogram.counts[slot] += 1
            histogram.sum += value
        # --8<-- [end:histogram]
        if first_overflow:
            self._warn(name)

    def snapshot(self) -> Snapshot:
        """Return all series as they are now: the counters (step 2) and the histograms (step 3).

        The result is the caller's own, down to the innermost dict: later updates do not show in it, and changing it
        does not change the registry.

        After `inc("jobs_total", {"status": "ok"})` and, with `bounds=(0.1, 1.0)`, `observe("wait_seconds", 0.5)`:

            {"counters": {'jobs_total{status="ok"}': 1.0},
             "histograms": {"wait_seconds": {"buckets": {0.1: 0, 1.0: 1, math.inf: 1}, "sum": 0.5, "count": 1}}}
        """
        # --8<-- [start:snapshot]
        with self._lock:
            return {
                "counters": dict(self._counters),
                "histograms": {key: histogram.state(self._bounds) for key, histogram in self._histograms.items()},
            }
        # --8<-- [end:snapshot]

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
        # --8<-- [start:exposition]
        now = self.snapshot()  # one consistent copy; what follows needs no lock
        families: dict[str, list[str]] = {}
        for key in sorted(now["counters"]):
            name, _ = _split(key)
            lines = families.setdefault(name, [f"# TYPE {name} counter"])
            lines.append(f"{key} {_number(now['counters'][key])}")
        for key in sorted(now["histograms"]):
            name, labels = _split(key)
            lines = families.setdefault(name, [f"# TYPE {name} histogram"])
            state = now["histograms"][key]
            for bound, count in state["buckets"].items():
                pairs = [*labels, f'le="{_number(bound)}"']
                lines.append(f"{name}_bucket{{{','.join(pairs)}}} {count}")
            braces = f"{{{','.join(labels)}}}" if labels else ""
            lines.append(f"{name}_sum{braces} {_number(state['sum'])}")
            lines.append(f"{name}_count{braces} {state['count']}")
        return "".join(line + "\n" for name in sorted(families) for line in families[name])
        # --8<-- [end:exposition]

    # --8<-- [start:cardinality]
    def _admit(self, name: str, labels: Mapping[str, str] | None, known: Container[str]) -> tuple[str, bool]:
        """Return the key to record under, and whether this is the name's first overflow. The lock must be held."""
        key = series_key(name, labels)
        if key in known:
            return key, False
        own = self._own_series.get(name, 0)
        if own < self._max_series:
            self._own_series[name] = own + 1
            return key, False
        first_overflow = name not in self._warned
        self._warned.add(name)
        return series_key(name, OVERFLOW), first_overflow

    # --8<-- [end:cardinality]
    def _warn(self, name: str) -> None:
        """Log the overflow. The lock must not be held: a log handler may itself count something here."""
        log.warning("%s has its %d series; new label sets go to %s", name, self._max_series, series_key(name, OVERFLOW))


@dataclass(frozen=True)
class _Flush:
    """One flush: what it adds, and the counters that the totals hold once it is applied."""

    id: str
    delta: dict[str, float]
    counters: dict[str, float]


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
        self._registry = registry
        self._redis = redis
        self._mark = MARK_PREFIX + worker
        self._sent: dict[str, float] = {}  # the counters as the totals are known to hold them
        self._pending: _Flush | None = None  # a flush whose outcome is not known

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
        # --8<-- [start:flush]
        counters = self._registry.snapshot()["counters"]
        if self._pending is not None:
            await self._settle(self._pending)
        delta = {key: total - self._sent.get(key, 0.0) for key, total in counters.items()}
        delta = {key: amount for key, amount in delta.items() if amount}
        if delta:
            self._pending = _Flush(uuid.uuid4().hex, delta, counters)
            await self._settle(self._pending)
        # --8<-- [end:flush]

    # --8<-- [start:flush-once]
    async def _settle(self, flush: _Flush) -> None:
        """Apply the delta unless the mark shows that it was, and only then forget it."""
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self._mark)  # an earlier transaction of ours that is still on its way makes EXEC fail
            if await pipe.get(self._mark) not in (flush.id, flush.id.encode()):
                pipe.multi()  # type: ignore[no-untyped-call]
                for key, amount in flush.delta.items():
                    pipe.hincrbyfloat(TOTALS_KEY, key, amount)
                pipe.set(self._mark, flush.id)
                await pipe.execute()
        self._sent = flush.counters
        self._pending = None

    # --8<-- [end:flush-once]
