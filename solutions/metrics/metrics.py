"""Counters and histograms with labels: what a service says about itself, exact under threads and across a fleet.

You need not check names: those of metrics and labels are valid and never clash, and no caller records a label `le` or
`overflow`. A label value is any text that UTF-8 can encode.
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
"""Labels of the one series that counts for all label sets beyond the limit (step 2)."""

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
    """What a registry holds, as plain dicts that belong to the caller (steps 2 and 3)."""

    counters: dict[str, float]  # series key → total
    histograms: dict[str, HistogramState]  # series key → state; empty until step 3


def series_key(name: str, labels: Mapping[str, str] | None = None) -> str:
    r"""Return the text that identifies a series, in the form that Prometheus prints (step 1).

    Without labels (None or empty) it is the name alone. With labels it is `name{a="x",b="y"}`, sorted by label name (as
    Python sorts `str`), because in step 6 all processes must agree on the key. In a value, a backslash becomes `\\`, a
    double quote `\"` and a line feed `\n` (two characters each); else the value `x",b="y` could pass for two labels.

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
        max_series: how many label sets of one metric name get a series (step 2); at least 1, else ValueError.
        bounds: upper bounds of the buckets of every histogram here (step 3), in the unit of what is observed; at least
            one, all finite, strictly increasing, else ValueError. Keep a copy.

    Step 5: any thread may call any method at any time. No update is lost, no call fails because of another, the limit
    and its single warning hold, and a reader sees buckets, sum and count of a histogram that belong together. Lock only
    with `threading.Lock` or `threading.RLock`, which the tests control. Release the lock before you log: a log handler
    that counts log lines calls `inc`, and would wait for ever.
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
        """Add `amount`, a finite number, to the counter with this name and these labels, which starts at 0 (step 1).

        An amount of 0 creates the series, too. The caller may change its mapping afterwards.

        Step 2 limits memory: the first `max_series` label sets of each metric name get a series (no labels are a label
        set, too). Add what comes for further label sets to the series `name{overflow="true"}`, beyond the `max_series`,
        and remember nothing else about them. So the sum over a name stays right, and only detail is lost. At a name's
        first overflow in a registry, and only then, log one warning that contains the name (`log.warning`).

        Raises:
            ValueError: `amount` is negative, and nothing has changed. Prometheus would take a falling counter for a
                restart.
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
        """Return the total of this series (step 1); `OVERFLOW` reads the overflow series.

        A missing series reads 0.0 and is not created: a dashboard that polls must not leak memory.
        """
        with self._lock:
            return self._counters.get(series_key(name, labels), 0.0)

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """Record one finite value, of either sign, in the histogram with this name and these labels (step 3).

        A bucket counts the values that are at most its bound (`value <= bound`), so each one includes all smaller ones.
        The last bucket, `math.inf`, equals `count`. Series are limited as in `inc`.
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
        """Return all series: the counters (step 2) and the histograms (step 3).

        The result is a copy, down to the innermost dict.

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

        For the snapshot shown above:

            # TYPE jobs_total counter
            jobs_total{status="ok"} 1.0
            # TYPE wait_seconds histogram
            wait_seconds_bucket{le="0.1"} 0
            wait_seconds_bucket{le="1.0"} 1
            wait_seconds_bucket{le="+Inf"} 1
            wait_seconds_sum 0.5
            wait_seconds_count 1

        - Names ascend. Each has one TYPE line and then all its series, which ascend by series key. So equal content is
          equal text, and a diff of two scrapes shows only changes.
        - A histogram is a line for each bucket, bounds ascending up to `le="+Inf"`, then sum and count. All its lines
          have the labels of the series.
        - `float()` of a printed number is exactly the number recorded (`repr` of a float does this).
        - Every line ends in a line feed. An empty registry gives the empty text.
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
        registry: the worker's registry. Only its counters are flushed, read with `snapshot()`.
        redis: the client, which returns bytes. It may retry by itself: redis-py's `Redis(host=…)` silently repeats up
            to 10 times what had no reply (`from_url` doesn't). Then a transaction without WATCH counts twice. Its
            `ConnectionError` and `TimeoutError` are not Python's built-in ones.
        worker: this worker's name; no two live workers share one. A restarted worker has its old name, an empty
            registry and a new flusher.

    `TOTALS_KEY` is a hash: series key → sum over all workers, nothing else. `MARK_PREFIX + worker` is a string, the
    mark: the id of the worker's last applied flush. It does not expire, because an outage may be long. No two flushes
    share an id, not even across restarts: the mark of an earlier life would look like success.
    """

    def __init__(self, registry: Registry, redis: Redis, worker: str) -> None:
        self._registry = registry
        self._redis = redis
        self._mark = MARK_PREFIX + worker
        self._sent: dict[str, float] = {}  # the counters as the totals are known to hold them
        self._pending: _Flush | None = None  # a flush whose outcome is not known

    async def flush(self) -> None:
        """Add what was counted since the last flush, the delta, to the totals.

        When this returns, everything counted before the call is in the totals. If nothing was counted, write nothing.
        Several workers flush at the same time, but calls on one flusher never overlap.

        When Redis fails or the task is cancelled, the caller calls again, and every delta must count exactly once:

        - Write delta and mark in one MULTI/EXEC. No Lua: the point is to learn WATCH.
        - After a failure, send the *same* delta under the *same* id, unless the mark shows that id: then it was
          applied. After that, send what has been counted since, under a new id.
        - WATCH the mark before you read it, every time. A transaction that you believe lost may still be on its way; if
          it arrives after your read, EXEC raises `WatchError`. redis-py also raises `WatchError` when the connection
          breaks while a key is watched, so the error doesn't say whether EXEC took effect.
        - Remember the snapshot that you sent, not the sum of the deltas. In floats `old + (new - old)` is not always
          `new`, and the difference would be sent as a delta.

        Raises:
            redis.exceptions.RedisError: Redis could not be reached, or its reply was lost.
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
