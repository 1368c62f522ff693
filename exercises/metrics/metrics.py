"""Counters and histograms with labels: what a service says about itself, exact under threads and across a fleet.

You need not check names: those of metrics and labels are valid and never clash, and no caller records a label `le` or
`overflow`. A label value is any text that UTF-8 can encode.
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
    raise NotImplementedError("step 1: one key for one series")


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
        raise NotImplementedError("step 1: an empty registry")

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
        raise NotImplementedError("step 1: count")

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """Return the total of this series (step 1); `OVERFLOW` reads the overflow series.

        A missing series reads 0.0 and is not created: a dashboard that polls must not leak memory.
        """
        raise NotImplementedError("step 1: read one counter")

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """Record one finite value, of either sign, in the histogram with this name and these labels (step 3).

        A bucket counts the values that are at most its bound (`value <= bound`), so each one includes all smaller ones.
        The last bucket, `math.inf`, equals `count`. Series are limited as in `inc`.
        """
        raise NotImplementedError("step 3: observe a value")

    def snapshot(self) -> Snapshot:
        """Return all series: the counters (step 2) and the histograms (step 3).

        The result is a copy, down to the innermost dict.

        After `inc("jobs_total", {"status": "ok"})` and, with `bounds=(0.1, 1.0)`, `observe("wait_seconds", 0.5)`:

            {"counters": {'jobs_total{status="ok"}': 1.0},
             "histograms": {"wait_seconds": {"buckets": {0.1: 0, 1.0: 1, math.inf: 1}, "sum": 0.5, "count": 1}}}
        """
        raise NotImplementedError("step 2: a snapshot that is a copy")

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
        raise NotImplementedError("step 4: print what was recorded")


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
        raise NotImplementedError("step 6: a flusher that has sent nothing yet")

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
        raise NotImplementedError("step 6: every delta exactly once")
